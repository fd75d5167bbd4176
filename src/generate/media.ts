import { StaveError } from '../errors.ts';
import { frameSize, gridOf, normalisation, placeFrame, visualTokens, type Grid, type PreprocessorConfig } from '../models/qwen2vl/index.ts';
import { decode, resizeBicubic, type DecodeOptions, type Picture, type ReadOptions, type ResizeRule, type VideoInfo } from '../video/index.ts';
import { sampleFrames, type FrameSampling } from './frame-sampling.ts';
import { pausing } from './pausing.ts';
import { timelineOf } from './reuse/timelines.ts';
import type { VisualItem } from './visual-item.ts';

/** RGB bytes [height, width, 3]; where in a video it stood, if it comes from one. */
export type FrameInput = Picture & { index?: number; /** Seconds. */ time?: number };

/** A file, or frames that are all used. */
export type VideoSource = string | readonly FrameInput[];
/** A file whose first frame is used, or a picture. */
export type ImageSource = string | FrameInput;
export type MediaSource = { kind: 'video'; source: VideoSource } | { kind: 'image'; source: ImageSource };

type Size = { width: number; height: number };

/** What of a video or image the model sees. */
export type MediaPlan = {
  kind: 'video' | 'image';
  /** null for frames in memory. */
  path: string | null;
  /** Frames in order, one that is shown twice standing there twice; time in seconds on the file's clock, null where it is unknown. */
  frames: { index: number; time: number | null }[];
  /** How many frames were asked for, where the clip has fewer; else null. */
  frames_asked: number | null;
  /** Frame groups, patches down, patches across. */
  grid: Grid;
  /** Visual tokens in the prompt. */
  tokens: number;
  /** Seconds from one frame group to the next, by which Qwen2.5-VL counts time; null where frames carry no times, and for images. */
  second_per_grid_t: number | null;
  /** Pixels: as shown, and as the model gets them. */
  sizes: { source: Size; input: Size };
  /** The file's header. */
  info: VideoInfo | null;
  /** What was found wrong with the file, where `read.partial` lets it be used all the same: in a plan by its packets, in an answer by decoding too. */
  damage: readonly string[];
};

/** The first video (without one, the first image) at a glance; empty or null without either. */
export type Glance = {
  frames: MediaPlan['frames'];
  grid: Grid | null;
  sizes: MediaPlan['sizes'] | null;
  /** Seconds; null for frames in memory. */
  duration: number | null;
  codec: string | null;
  /** Degrees, see VideoInfo. */
  rotation: number | null;
};

export function glance(media: readonly MediaPlan[]): Glance {
  const first = media.find(({ kind }) => kind === 'video') ?? media.at(0);
  const { duration = null, codec = null, rotation = null } = first?.info ?? {};
  return { frames: first?.frames ?? [], grid: first?.grid ?? null, sizes: first?.sizes ?? null, duration, codec, rotation };
}

/** preprocessor: of images and of videos. */
export type MediaOptions = { preprocessor: Record<MediaPlan['kind'], PreprocessorConfig>; sampling: FrameSampling; /** In training, see sampleFrames. */ window?: (choices: number) => number; read?: ReadOptions };

/** Chooses frames and their size from the header and the packets' times; nothing is decoded. @throws VIDEO_MISSING, VIDEO_UNREADABLE, VIDEO_NO_FRAMES, VIDEO_TOO_SHORT, USAGE, LIMIT */
export async function planMedia({ kind, source }: MediaSource, { preprocessor, sampling, window, read = {} }: MediaOptions): Promise<MediaPlan> {
  if (typeof source !== 'string') {
    const frames = Array.isArray(source) ? (source as readonly FrameInput[]) : [source as FrameInput];
    if (frames.length === 0) throw new StaveError('VIDEO_NO_FRAMES', { what: 'the video is an empty list of frames', fix: 'give at least one frame' });
    return plan({ kind, path: null, frames: frames.map(({ index, time }, i) => ({ index: index ?? i, time: time ?? null })), frames_asked: null, info: null, damage: [] }, frames[0], preprocessor[kind]);
  }
  const clip = await timelineOf(source, read);
  const { indices, times } = sampleFrames(clip, kind === 'image' ? { rule: 'count', frames: 1 } : sampling, window);
  if (indices.length === 0) throw new StaveError('VIDEO_TOO_SHORT', { what: `${source}: the sampling rule "${sampling.rule}" chooses no frame`, why: `the clip has ${clip.frames} frames in ${clip.duration.toFixed(3)} s`, fix: 'use another rule, e.g. a fixed count' });
  const asked = kind === 'video' && sampling.rule === 'count' && sampling.frames > indices.length ? sampling.frames : null;
  const found = { kind, path: source, frames_asked: asked, frames: indices.map((index, i) => ({ index, time: times[i] })), info: clip.info, damage: clip.damage };
  return plan(found, clip.info, preprocessor[kind], referenceSeconds(sampling.rule, clip.duration, indices.length));
}

type Found = Pick<MediaPlan, 'kind' | 'path' | 'frames' | 'frames_asked' | 'info' | 'damage'>;

function plan({ kind, path, frames, frames_asked, info, damage }: Found, { width, height }: Size, preprocessor: PreprocessorConfig, second_per_frame = secondsApart(frames)): MediaPlan {
  const input = frameSize(height, width, preprocessor);
  const grid = gridOf(frames.length, input, preprocessor);
  const second_per_grid_t = kind === 'image' || second_per_frame === null ? null : preprocessor.temporal_patch_size * second_per_frame;
  return { kind, path, frames, frames_asked, grid, tokens: visualTokens(grid, preprocessor.merge_size), second_per_grid_t, sizes: { source: { width, height }, input: { width: input.width, height: input.height } }, info, damage };
}

/** Seconds a frame as the originals of these rules tell the model: qwen-vl-utils a little less than lies between frames, the benchmark harness always what the processor
 * takes for granted, 2 frames a second. */
function referenceSeconds(rule: FrameSampling['rule'], duration: number, frames: number): number | undefined {
  return rule === 'qwen' ? duration / frames : rule === 'lmms' ? 0.5 : undefined;
}

/** Seconds from one frame to the next, on average; null where that can't be told. */
function secondsApart(frames: MediaPlan['frames']): number | null {
  const [first, last] = [frames[0].time, frames[frames.length - 1].time];
  if (first === null || last === null) return null;
  const seconds = Math.abs(last - first) / (frames.length - 1);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** Decodes the planned frames into patches, one after the other: of the pictures themselves only one is held. Patches stay bytes. The event loop gets its turns.
 * @returns the patches, and all that was found wrong with the file  @throws as decoding does */
export async function readMedia(source: MediaSource, plan: MediaPlan, options: MediaOptions): Promise<{ item: VisualItem; damage: string[] }> {
  const { kind, grid } = plan;
  const pixel_values = new Uint8Array(patchBytes(plan, options));
  const damage = await place(source, plan, options, pixel_values);
  return { item: { kind, grid, pixel_values, normalisation: normalisation(options.preprocessor[kind]) }, damage };
}

/** The same patches in shared memory, for graphs that normalise by themselves. [t·h·w, C·2·14·14] @throws as readMedia */
export async function readMediaBytes(source: MediaSource, plan: MediaPlan, options: MediaOptions): Promise<Uint8Array<SharedArrayBuffer>> {
  const pixels = new Uint8Array(new SharedArrayBuffer(patchBytes(plan, options)));
  await place(source, plan, options, pixels);
  return pixels;
}

/** Of the patches that readMedia makes, [t·h·w, C·2·14·14]. */
export function patchBytes({ kind, grid: [t, h, w] }: MediaPlan, { preprocessor }: Pick<MediaOptions, 'preprocessor'>): number {
  const { temporal_patch_size, patch_size } = preprocessor[kind];
  return t * h * w * 3 * temporal_patch_size * patch_size ** 2;
}

/** @returns all that was found wrong with the file */
async function place({ source }: MediaSource, { kind, frames, grid, sizes, damage }: MediaPlan, { preprocessor, read = {} }: MediaOptions, out: Uint8Array): Promise<string[]> {
  const config = preprocessor[kind];
  const found = new Set(damage); // decoding tells once more what the packets told
  const pictures = typeof source === 'string' ? chosen(source, frames.map(({ index }) => index), { size: sizes.input, rule: config.resize_rule, ...read }, found) : resized(Array.isArray(source) ? source : [source as FrameInput], sizes.input, config.resize_rule);
  let count = 0;
  let last: Picture | undefined;
  for await (const picture of pictures) {
    await pausing(placeFrame(picture.data, count++, grid, config, out, undefined));
    last = picture;
  }
  if (last === undefined || count !== frames.length) throw new StaveError('VIDEO_UNREADABLE', { what: `${String(source)}: ${count} of ${frames.length} frames could be decoded`, why: [...found].join('; ') || undefined, fix: 'convert the file anew, or choose other frames' });
  for (; count < grid[0] * config.temporal_patch_size; count++) await pausing(placeFrame(last.data, count, grid, config, out, undefined)); // an incomplete group is filled with its last frame
  return [...found];
}

/** Frames of a file by number, ascending; one that is asked for twice is decoded once. What is wrong with the file goes into `damage`. */
async function* chosen(path: string, indices: readonly number[], options: DecodeOptions, damage: Set<string>): AsyncGenerator<Picture> {
  let at = 0;
  const decoding = decode(path, { ...options, pick: [...new Set(indices)] });
  for await (const frame of decoding) {
    while (indices[at] < frame.index) at++; // a damaged file may lack one
    for (; indices[at] === frame.index; at++) yield frame;
  }
  for (const text of decoding.damage) damage.add(text);
}

function* resized(frames: readonly FrameInput[], { width, height }: Size, rule: ResizeRule): Generator<Picture> {
  for (const [i, frame] of frames.entries()) {
    if (frame.data.length !== frame.width * frame.height * 3)
      throw new StaveError('USAGE', { what: `frame ${i} holds ${frame.data.length} bytes`, why: `${frame.width}×${frame.height} pixels in RGB take ${frame.width * frame.height * 3}`, fix: 'give frames as RGB bytes, [height, width, 3]' });
    const same = frame.width === width && frame.height === height;
    yield same ? frame : { data: resizeBicubic(frame.data, frame.height, frame.width, height, width, rule), width, height };
  }
}
