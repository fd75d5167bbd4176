/** A video or image as rows name it. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MediaFile, MediaWishes } from './dialogue.ts';

/** Collects what is wrong, so that all of it can be told. @returns undefined, for a caller that has nothing to give back */
export type Complain = (what: string) => undefined;

const wishes = ['fps', 'min_pixels', 'max_pixels'] as const;
/** Keys of an object that names a file or frames; `type` is a part's. */
const known = new Set<string>(['type', 'video', 'image', 'path', 'frames', 'times', ...wishes]);

/** A path; a list of paths, the frames of a video; or an object with one of them (as `video`, `image`, `path` or `frames`) and `fps`, `times`, `min_pixels`, `max_pixels`.
 * @param folder that relative paths start at  @param at where it stands, for messages */
export function readMedia(kind: 'image' | 'video', value: unknown, folder: string, at: string, complain: Complain): MediaFile | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return fileOrFrames(kind, value, {}, folder, at, complain);
  if (typeof value !== 'object' || value === null) return complain(`${at} is ${show(value)}: a path is needed${kind === 'video' ? ', or a list of picture files' : ''}`);
  const fields = value as Record<string, unknown>;
  const surplus = Object.keys(fields).find((name) => !known.has(name));
  if (surplus !== undefined) return complain(`${at}.${surplus} is not known: ${[...known].slice(1).join(', ')} are`);
  const given = [kind, 'path', 'frames'].filter((name) => fields[name] !== undefined);
  if (given.length !== 1) return complain(`${at} must name its file once, as "${kind}"`);
  const file = fields[given[0]];
  if (given[0] === 'frames' && !Array.isArray(file)) return complain(`${at}.frames is ${show(file)}: a list of picture files is needed`);
  for (const name of wishes) if (fields[name] !== undefined && !(typeof fields[name] === 'number' && fields[name] > 0)) return complain(`${at}.${name} is ${show(fields[name])}: a number over 0 is needed`);
  return fileOrFrames(kind, file, fields, folder, at, complain);
}

function fileOrFrames(kind: 'image' | 'video', file: unknown, fields: MediaWishes & { times?: unknown }, folder: string, at: string, complain: Complain): MediaFile | undefined {
  const { fps, min_pixels, max_pixels, times } = fields;
  const bounds: MediaWishes = { ...(min_pixels !== undefined && { min_pixels }), ...(max_pixels !== undefined && { max_pixels }) };
  const path = (name: unknown): string | undefined => {
    if (typeof name !== 'string' || name === '') return complain(`${at} is ${show(name)}: a path is needed`);
    if (name.includes('\0')) return complain(`${at} is ${show(name)}: no path holds a NUL character`);
    if (name.startsWith('file://')) return pathOfUrl(name) ?? complain(`${at} is ${show(name)}: file:// goes with a whole path on this machine, as in file:///data/a.mp4`);
    if (/^(?:data:|[a-z][a-z0-9+.-]+:\/\/)/i.test(name)) return complain(`${at} is an address, ${show(name)}: save it to a file first`);
    return resolve(folder, name);
  };
  if (!Array.isArray(file)) {
    if (times !== undefined) return complain(`${at}.times goes with a list of frames`);
    if (kind === 'image' && fps !== undefined) return complain(`${at}.fps: an image has no rate`);
    const found = path(file);
    return found === undefined ? undefined : { kind, path: found, ...(fps !== undefined && { fps }), ...bounds };
  }
  if (kind === 'image') return complain(`${at} is a list: an image is one file`);
  if (file.length === 0) return complain(`${at} is an empty list of frames`);
  const frames = file.map(path);
  if (frames.includes(undefined)) return undefined;
  const seconds = times === undefined ? (fps === undefined ? null : frames.map((_, i) => i / fps)) : times;
  if (times !== undefined && fps !== undefined) return complain(`${at} has times and fps: give one of them`);
  if (seconds !== null && !(Array.isArray(seconds) && seconds.length === frames.length && seconds.every((t, i) => typeof t === 'number' && Number.isFinite(t) && (i === 0 || t > seconds[i - 1]))))
    return complain(`${at}.times must be ${frames.length} ascending numbers of seconds, one a frame`);
  return { kind: 'video', frames: frames as string[], times: seconds, ...bounds };
}

/** undefined where no path is meant: with a host, or with a slash in a name. */
function pathOfUrl(url: string): string | undefined {
  try {
    const path = fileURLToPath(url);
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined;
  }
}

/** A value in a message, whole when short. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
