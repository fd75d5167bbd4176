import { access, constants, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { StaveError } from '../errors.ts';
import { runIsolated } from './isolate.ts';
import type { Job, Message } from './jobs.ts';
import { defaultLimits } from './limits.ts';
import type { Limits } from './limits.ts';
import type { ResizeRule } from './resize.ts';
import type { Timeline } from './sampling.ts';
import type { VideoInfo } from './video-info.ts';

export type ReadOptions = {
  signal?: AbortSignal;
  /** Read the file in a process of its own (default), so that a hostile or broken one cannot hurt this one. `false` for files you made yourself. */
  isolate?: boolean;
  /** What one file may ask for; those left out have defaults. */
  limits?: Partial<Limits>;
  /** Use what can be decoded of a damaged or cut file instead of refusing it; what was wrong is then told in `damage`. */
  partial?: boolean;
};

/** A decoded frame, upright. */
export type Frame = {
  /** Number in the file, from 0, in the order shown. */
  index: number;
  /** Seconds, on the file's own clock. */
  time: number;
  width: number;
  height: number;
  /** RGB, [height, width, 3]. */
  data: Uint8Array;
};

export type DecodeOptions = ReadOptions & {
  /** Which frames: all (default), or numbers, ascending. The others are not converted, and jumped over where keyframes allow. */
  pick?: 'all' | readonly number[];
  /** Resize each frame to this, by antialiased bicubic. */
  size?: { width: number; height: number };
  /** Whose bicubic. Default `pil`. */
  rule?: ResizeRule;
};

/** Frames in order, one at a time. When all have come, `info` and `damage` are complete. */
export type Decoding = AsyncIterable<Frame> & {
  /** What the header says; there from the first frame on. */
  readonly info: VideoInfo | undefined;
  /** What was wrong with the file; empty unless `partial` allowed something. */
  readonly damage: readonly string[];
};

/** What a file's header says, nothing decoded. @throws VIDEO_MISSING, VIDEO_UNREADABLE, VIDEO_NO_FRAMES, LIMIT */
export async function probe(path: string, options: ReadOptions = {}): Promise<VideoInfo> {
  const job: Job = { kind: 'probe', ...await common(path, options) };
  let info: VideoInfo | undefined;
  for await (const message of execute(job, options)) if (message.type === 'info') info = message.info;
  return info!; // a job that ends well began with it
}

/** A clip's timeline: every frame's time, from its packets alone (from decoding only where packets carry no times). */
export type Clip = Timeline & { times: Float64Array; info: VideoInfo; damage: readonly string[] };

/** Times of all frames in seconds, ascending, without decoding: what the sampling rules choose from. @throws as {@link probe} */
export async function frameTimes(path: string, options: ReadOptions = {}): Promise<Clip> {
  const job: Job = { kind: 'times', ...await common(path, options) };
  let info: VideoInfo | undefined;
  let times = new Float64Array(0);
  let lastDuration = 0;
  let damage: readonly string[] = [];
  for await (const message of execute(job, options)) {
    if (message.type === 'info') info = message.info;
    if (message.type === 'done') damage = message.damage;
    if (message.type === 'times') {
      times = new Float64Array(message.data.slice().buffer);
      lastDuration = message.lastDuration;
    }
  }
  const frames = times.length;
  const fps = averageRate(info!.fps, times, lastDuration);
  return { frames, fps, duration: frames / fps, times, info: info!, damage };
}

/** The header's rate, unless the frames themselves say otherwise: some containers know a nominal rate alone. */
function averageRate(header: number, times: Float64Array, lastDuration: number): number {
  const frames = times.length;
  const between = times[frames - 1] - times[0];
  const measured = lastDuration > 0 ? frames / (between + lastDuration) : between > 0 ? (frames - 1) / between : 0;
  if (header > 0 && (measured === 0 || Math.abs(header - measured) <= 0.1 * measured)) return header;
  return measured > 0 ? measured : 1;
}

/** Decodes a video file frame by frame; a handful of frames is held at any time, whatever the clip's length. Leaving the loop early stops the work.
 * @throws (from the loop) VIDEO_MISSING, VIDEO_UNREADABLE, VIDEO_NO_FRAMES, LIMIT, USAGE for picks beyond the end, the signal's reason */
export function decode(path: string, options: DecodeOptions = {}): Decoding {
  const { pick = 'all', size, rule = 'pil' } = options;
  if (pick !== 'all' && !pick.every((n, i) => Number.isInteger(n) && n >= 0 && (i === 0 || n > pick[i - 1]))) {
    throw new StaveError('USAGE', { what: 'frames to pick are not ascending numbers without repeats', fix: 'give them sorted, from 0' });
  }
  if (size && !(Number.isInteger(size.width) && Number.isInteger(size.height) && size.width > 0 && size.height > 0)) {
    throw new StaveError('USAGE', { what: `${size.width}×${size.height} is no frame size`, fix: 'give whole pixels, at least 1' });
  }
  let info: VideoInfo | undefined;
  const damage: string[] = [];
  return {
    get info() { return info; },
    damage,
    async *[Symbol.asyncIterator]() {
      const job: Job = { kind: 'decode', pick, rule, ...(size && { size }), ...await common(path, options) };
      for await (const message of execute(job, options)) {
        if (message.type === 'info') info = message.info;
        if (message.type === 'done') damage.push(...message.damage);
        if (message.type === 'frame') {
          const { type: _, ...frame } = message;
          yield frame;
        }
      }
    },
  };
}

/** Checks that the path leads to a file with something in it, before any process is started. */
async function common(path: string, { isolate = true, limits, partial = false }: ReadOptions): Promise<Pick<Job, 'path' | 'limits' | 'partial' | 'cores'>> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  const missing = (why: string, fix: string) => new StaveError('VIDEO_MISSING', { what: `there is no video at ${path}`, why, fix });
  if (found instanceof Error && /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) throw missing('it is an address, no such file', 'save it to a file first');
  if (found instanceof Error) throw missing(found.code === 'ENOENT' || found.code === 'ENOTDIR' ? 'no such file' : found.message, 'check the path');
  if (found.isDirectory()) throw missing('it is a directory', 'give one file in it');
  if (!found.isFile()) throw missing('it is not a regular file', 'save it to a file first');
  await access(path, constants.R_OK).catch((cause: Error) => {
    throw new StaveError('VIDEO_UNREADABLE', { what: `${path} cannot be read`, why: cause.message, fix: 'see to it that you may read it', cause });
  });
  if (found.size === 0) throw new StaveError('VIDEO_UNREADABLE', { what: `${path} cannot be decoded`, why: 'the file is empty', fix: 'fetch it again' });
  const all = Object.fromEntries(Object.entries(defaultLimits).map(([name, usual]) => [name, Math.min(limits?.[name as keyof Limits] ?? usual, Number.MAX_SAFE_INTEGER)])) as Limits; // JSON knows no Infinity
  return { path, partial, cores: availableParallelism(), limits: isolate ? all : { ...all, memory: Infinity } }; // the memory of this process is its own business
}

function execute(job: Job, { isolate = true, signal }: ReadOptions): AsyncGenerator<Message> {
  return isolate ? runIsolated(job, signal) : runHere(job, signal);
}

/** Does a job in this process, giving way to other work every few milliseconds. */
async function* runHere(job: Job, signal: AbortSignal | undefined): AsyncGenerator<Message> {
  signal?.throwIfAborted();
  const { run } = await import('./jobs.ts'); // loads FFmpeg
  let since = performance.now();
  let spent = 0;
  for (const message of run(job)) {
    if (message) {
      spent += performance.now() - since;
      yield 'data' in message ? { ...message, data: new Uint8Array(message.data) } : message; // a copy: theirs is overwritten
      since = performance.now();
    } else if (performance.now() - since > 5) {
      spent += performance.now() - since;
      await new Promise<void>((resolve) => { setImmediate(resolve); });
      since = performance.now();
    }
    signal?.throwIfAborted();
    if (spent > job.limits.timeout * 1000) throw new StaveError('LIMIT', { what: `decoding ${job.path} takes too long`, why: 'the time limit (limits.timeout) is used up', fix: 'raise it, or convert the file first' });
  }
}
