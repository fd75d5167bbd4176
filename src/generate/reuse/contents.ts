import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { stateOf } from './file-state.ts';
import type { FrameInput, ImageSource, VideoSource } from '../media.ts';

/** What a video or image holds. */
export type Content = {
  /** Equal for equal contents alone. */
  key: string;
  /** Whether it is still so: a file may be written to while it is decoded. */
  unchanged(): Promise<boolean>;
};

type Known = { state: string; hash: string };

const MOST_FILES = 10_000;

/** Tells files and frames in memory by what they hold. A file is read once: as long as its device, inode, size and the times of its last change are the same, so is what it
 * holds. (A program can set the time of modification back, but not that of the change of status.) Frames in memory are read every time. */
export class Contents {
  readonly #known = new Map<string, Known>(); // by path

  async of(source: VideoSource | ImageSource, signal?: AbortSignal): Promise<Content> {
    if (typeof source !== 'string') return ofFrames(Array.isArray(source) ? source : [source as FrameInput], signal);
    const before = await stateOf(source);
    if (before === undefined) return unknown(); // decoding will say what is wrong
    const known = this.#known.get(source);
    if (known?.state === before.text) return { key: `file ${known.hash}`, unchanged: () => sameState(source, before.text) };
    const hash = await hashFile(source, signal);
    if (hash === undefined) return unknown();
    if (before.settled) {
      if (this.#known.size >= MOST_FILES) this.#known.clear();
      this.#known.set(source, { state: before.text, hash });
    }
    // Where the times can't be relied on yet, only reading the file again tells.
    return { key: `file ${hash}`, unchanged: async () => (await sameState(source, before.text)) && (before.settled || (await hashFile(source, signal)) === hash) };
  }

  clear(): void {
    this.#known.clear();
  }
}

/** They too may be written to meanwhile. */
async function ofFrames(frames: readonly FrameInput[], signal: AbortSignal | undefined): Promise<Content> {
  if (!frames.every(({ data }) => ArrayBuffer.isView(data))) return unknown();
  const hash = await hashFrames(frames, signal);
  return { key: `frames ${hash}`, unchanged: async () => (await hashFrames(frames, signal)) === hash };
}

let strangers = 0;

/** Equal to nothing. */
export function unknown(): Content {
  return { key: `unknown ${strangers++}`, unchanged: () => Promise.resolve(false) };
}

const sameState = async (path: string, text: string): Promise<boolean> => (await stateOf(path))?.text === text;

async function hashFile(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }) as AsyncIterable<Buffer>) hash.update(chunk);
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
  return hash.digest('hex');
}

async function hashFrames(frames: readonly FrameInput[], signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (const { data, width, height } of frames) {
    signal?.throwIfAborted();
    hash.update(`${width} ${height} ${data.length} `).update(data);
    await setImmediate(); // a frame takes a few milliseconds at most
  }
  return hash.digest('hex');
}
