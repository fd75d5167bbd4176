import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isAbort, StaveError } from '../errors.ts';
import { renderer, type Scene } from '../clips/index.ts';
import { takeLock } from '../files/lock.ts';
import { exists } from '../files/look.ts';
import { list, writeWhole } from '../files/write.ts';
import { encodeVideo, type Picture } from '../video/index.ts';
import { clipClasses, recordsOf, setClip, type ClipClass, type ClipSet, type SetClip } from './clip-set.ts';

export type RenderSetOptions = ClipSet & {
  /** How many clips. */
  count: number;
  /** Absent: three of four h264 in mp4, the rest vp9 in webm. */
  codec?: 'h264' | 'vp9';
  signal?: AbortSignal;
  /** Called after each clip, also those that were there already. */
  onClip?: (progress: { done: number; count: number; clip: SetClip; rendered: boolean }) => void;
};

/** What `set.json` holds: a folder goes on only with the settings it was begun with. */
type Begun = { format: 'stave clips 1'; seed: string; classes: ClipClass[] | null; codec: 'h264' | 'vp9' | null };

/** Renders a set of labelled clips into a folder: `clip-00000.mp4`, …, `labels.jsonl` (a line per question: id, video (relative to the
 * folder), kind, question, answer) and `set.json`. Clips that are there are kept, so it can be stopped and called again; no file is ever
 * half written (what a kill left of one is removed), and after an abort the labels cover the clips that are complete.
 * @returns how many clips were rendered and how many were there, and the path of the labels
 * @throws USAGE, DATA when the folder holds a set made with other settings, IO, also when another process is at it, VIDEO_ENCODE, or the signal's reason */
export async function renderSet(out: string, { count, codec, signal, onClip, ...set }: RenderSetOptions): Promise<{ rendered: number; kept: number; labels: string }> {
  if (!(Number.isInteger(count) && count > 0)) throw new StaveError('USAGE', { what: `${count} is not a number of clips`, fix: 'give an integer of at least 1' });
  if (set.classes && !(set.classes.length > 0 && set.classes.every((name) => clipClasses.includes(name)))) throw new StaveError('USAGE', { what: `classes is ${JSON.stringify(set.classes)}`, fix: `leave it out, or give some of ${clipClasses.join(', ')}` });
  signal?.throwIfAborted();
  await using _ = await takeLock(join(out, 'render.lock'), (who) => new StaveError('IO', { what: `${out} is being filled by ${who}`, fix: 'wait for it or use another folder' }));
  await begin(out, { format: 'stave clips 1', seed: String(set.seed), classes: set.classes ? [...set.classes] : null, codec: codec ?? null });
  const complete: SetClip[] = [];
  let rendered = 0;
  const labels = join(out, 'labels.jsonl');
  const there = (clip: SetClip): Promise<boolean> => exists(join(out, clip.video));
  const writeLabels = (): Promise<void> => writeWhole(labels, complete.flatMap(recordsOf).map((record) => `${JSON.stringify(record)}\n`).join(''));
  try {
    for (let index = 0; index < count; index++) {
      const clip = setClip(set, index, codec);
      const missing = !(await there(clip));
      if (missing) {
        await encodeVideo(join(out, clip.video), pictures(clip.scene), { fps: clip.scene.fps, codec: clip.codec, quality: clip.quality, signal });
        rendered++;
      }
      complete.push(clip);
      onClip?.({ done: index + 1, count, clip, rendered: missing });
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (isAbort(error) || signal?.aborted) {
      for (let index = complete.length; index < count; index++) { // an earlier run may have come further
        const clip = setClip(set, index, codec);
        if (await there(clip)) complete.push(clip);
      }
      await writeLabels();
    }
    throw error;
  }
  await writeLabels();
  return { rendered, kept: count - rendered, labels };
}

/** A scene's frames at its own size, one at a time; gives way to other work in between. */
export async function* pictures(scene: Scene): AsyncGenerator<Picture> {
  const draw = renderer(scene);
  for (let index = 0; index < scene.frames; index++) {
    const data = new Uint8Array(scene.width * scene.height * 3); // [H, W, 3]
    draw.frame(index, data);
    yield { data, width: scene.width, height: scene.height };
    if (index % 8 === 7) await new Promise(setImmediate);
  }
}

/** Checks that what is in the folder was made with the same settings, and removes what a kill left of a file. */
async function begin(out: string, settings: Begun): Promise<void> {
  const file = join(out, 'set.json');
  if (await exists(file)) {
    const found = await readFile(file, 'utf8');
    if (found === serialised(settings)) {
      for (const left of await list(out)) if (LEFT.test(basename(left))) await rm(left, { force: true });
      return;
    }
    throw new StaveError('DATA', { what: `${out} holds clips made with other settings`, why: `${file} says ${found.replace(/\s+/g, ' ').trim()}`, fix: 'use another folder, or the same seed, classes and codec to go on' });
  }
  if (await exists(join(out, 'labels.jsonl'))) throw new StaveError('DATA', { what: `${out} has a labels.jsonl but no set.json`, why: 'its clips are not known to belong to this set', fix: 'use another folder' });
  await writeWhole(file, serialised(settings));
}

/** A clip, the labels or the settings, begun and not finished. */
const LEFT = /^(\.clip-\d+\.\w+|labels\.jsonl|set\.json)\.[0-9a-f]{8}\.partial$/;

const serialised = (settings: Begun): string => `${JSON.stringify(settings, null, 2)}\n`;
