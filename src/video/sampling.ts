import { StaveError } from '../errors.ts';
import { linspace32, linspace64, roundHalfEven } from './rounding.ts';

/** What sampling needs to know of a clip, all of it known without decoding (see `frameTimes`). */
export type Timeline = {
  /** Number of frames. */
  frames: number;
  /** Average rate, frames per second. */
  fps: number;
  /** Seconds, start to end of the last frame. */
  duration: number;
  /** Seconds of each frame in the file's own clock, ascending; absent = index / fps. */
  times?: ArrayLike<number>;
};

/** The frames to show: ascending indices, without repeats unless those were asked for, and the time of each in seconds. */
export type Sampled = { indices: number[]; times: number[] };

const floorEven = (x: number): number => Math.floor(x / 2) * 2;
const ceilEven = (x: number): number => Math.ceil(x / 2) * 2;

function timeOf({ times, fps }: Timeline, index: number): number {
  return times ? times[index] : index / fps;
}

/** Repeats are dropped, frames beyond the end too: the rules below may ask for both. */
function sampled(clip: Timeline, indices: Iterable<number>): Sampled {
  const unique = [...new Set(indices)].filter((i) => i >= 0 && i < clip.frames);
  return { indices: unique, times: unique.map((i) => timeOf(clip, i)) };
}

function tooShort(clip: Timeline, needed: number, rule: string): StaveError {
  return new StaveError('VIDEO_TOO_SHORT', {
    what: `the clip has ${clip.frames} frame${clip.frames === 1 ? '' : 's'}`, why: `the sampling rule "${rule}" needs at least ${needed}`,
    fix: 'use a longer clip or another rule, e.g. a fixed count',
  });
}

export type StaveSampling = {
  /** Frames per second. Default 1. */
  fps?: number;
  /** At least this many, spread over the whole clip when it is too short for them. Default 4. */
  minFrames?: number;
  /** At most this many. Default 32. */
  maxFrames?: number;
  /** Draws an integer in [0, choices): where the window of `maxFrames` begins in a longer clip. Absent = at the start. */
  window?: (choices: number) => number;
};

/** The training loader's rule: times 0, 1/fps, 2/fps, … before the start of the last frame; too few → `minFrames` spread from first to last;
 * too many → `maxFrames` consecutive ones; an even number of them; frame = round(time · rate). May give fewer than `minFrames` (even 1)
 * for clips with fewer frames. Source: the authors' staveq2-training loader (webvid-qa: fps 1, 4–32; SSv2-T10: fps 2, 2–8, from the start). */
export function sampleStave(clip: Timeline, { fps = 1, minFrames = 4, maxFrames = 32, window }: StaveSampling = {}): Sampled {
  const end = clip.duration - 1 / clip.fps; // seconds, start of the last frame
  const count = Math.max(0, Math.ceil(end * fps));
  let times: ArrayLike<number> = Float64Array.from({ length: count }, (_, i) => i / fps);
  if (count < minFrames) times = linspace64(end, minFrames);
  else if (count > maxFrames) {
    const start = window ? window(count - maxFrames + 1) : 0;
    times = (times as Float64Array).subarray(start, start + maxFrames);
  }
  const kept = Array.from(times).slice(0, floorEven(times.length));
  return sampled(clip, kept.map((t) => roundHalfEven(t * clip.fps)));
}

export type QwenSampling = { /** Exactly this many (made even). */ nframes: number } | { /** Frames per second. Default 2. */ fps?: number; /** Default 4. */ minFrames?: number; /** Default 768. */ maxFrames?: number };

/** How many frames qwen-vl-utils 0.0.14 takes (`smart_nframes`): an even number. @throws VIDEO_TOO_SHORT */
export function qwenFrameCount(clip: Timeline, options: QwenSampling = {}): number {
  let count: number;
  if ('nframes' in options) count = roundHalfEven(options.nframes / 2) * 2;
  else {
    const { fps = 2, minFrames = 4, maxFrames = Math.min(768, clip.frames) } = options;
    count = Math.max((clip.frames / clip.fps) * fps, ceilEven(minFrames));
    count = floorEven(Math.min(count, floorEven(maxFrames), clip.frames));
  }
  if (count < 2 || count > clip.frames) throw tooShort(clip, Math.max(2, count), 'qwen');
  return count;
}

/** The rule of qwen-vl-utils: round(linspace(0, last frame, count)). @throws VIDEO_TOO_SHORT for fewer than 2 frames or fewer than `nframes` */
export function sampleQwen(clip: Timeline, options: QwenSampling = {}): Sampled {
  return sampled(clip, spread(clip, qwenFrameCount(clip, options)));
}

const spread = (clip: Timeline, count: number): number[] => Array.from(linspace32(clip.frames - 1, count), roundHalfEven);

/** The benchmark harness (lmms-eval with qwen-vl-utils 0.0.8): 2 frames per second, at least 4, rounded to even; of these at most `maxFrames`
 * (default 32), evenly spread by floor. @throws VIDEO_TOO_SHORT for fewer than 2 frames */
export function sampleLmms(clip: Timeline, { maxFrames = 32 }: { maxFrames?: number } = {}): Sampled {
  const wanted = Math.max((clip.frames / clip.fps) * 2, 4);
  const read = roundHalfEven(Math.min(wanted, floorEven(Math.min(768, clip.frames))) / 2) * 2;
  if (read < 2 || read > clip.frames) throw tooShort(clip, Math.max(2, read), 'lmms');
  const indices = spread(clip, read);
  if (read <= maxFrames) return sampled(clip, indices);
  return sampled(clip, Array.from(linspace64(read - 1, maxFrames), (x) => indices[Math.floor(x)]));
}

/** `count` frames evenly spread from first to last. One = the first. When the clip has fewer: all of them, or with `repeat` some of them more
 * than once, so that there are always `count`, as a model trained on a fixed number of frames was shown them. */
export function sampleCount(clip: Timeline, count: number, { repeat = false }: { repeat?: boolean } = {}): Sampled {
  if (!(Number.isInteger(count) && count > 0)) throw new StaveError('USAGE', { what: `${count} is not a number of frames`, fix: 'give an integer of at least 1' });
  if (!repeat) return sampled(clip, spread(clip, Math.min(count, clip.frames)));
  const indices = clip.frames === 0 ? [] : spread(clip, count);
  return { indices, times: indices.map((i) => timeOf(clip, i)) };
}

/** Every frame. */
export function sampleAll(clip: Timeline): Sampled {
  return sampled(clip, Array.from({ length: clip.frames }, (_, i) => i));
}

/** For each time (seconds, the file's own clock) the frame nearest to it, the earlier one of two.
 * @throws USAGE for a time that is not a number, negative (unless frames are), or beyond the clip's end */
export function sampleTimes(clip: Timeline, times: readonly number[]): Sampled {
  const last = clip.frames - 1;
  const end = timeOf(clip, 0) + clip.duration;
  const indices = times.map((time) => {
    if (!(time >= Math.min(0, timeOf(clip, 0)) && time <= end)) throw new StaveError('USAGE', { what: `the clip has no frame at ${time} s`, why: `it ends at ${end.toFixed(3)} s`, fix: 'give times within the clip, in seconds' });
    let low = 0, high = last; // the last frame that starts at or before `time`
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (timeOf(clip, middle) <= time) low = middle;
      else high = middle - 1;
    }
    return low < last && timeOf(clip, low + 1) - time < time - timeOf(clip, low) ? low + 1 : low;
  });
  return sampled(clip, indices.toSorted((a, b) => a - b));
}
