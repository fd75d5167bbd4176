/** Videos and images of a dialogue: what the model would see of them, and their patches. */
import { StaveError } from '../errors.ts';
import type { FrameSampling } from '../generate/frame-sampling.ts';
import { planMedia, readMediaBytes, type FrameInput, type MediaOptions, type MediaPlan } from '../generate/media.ts';
import { gridOf, visualTokens, type PreprocessorConfig } from '../models/qwen2vl/index.ts';
import { decode, type Picture } from '../video/index.ts';
import type { MediaFile } from './dialogue.ts';

/** What of a video or image the model sees. @param options for all of the data; what the row says of this one goes before  @throws as planMedia */
export async function planMediaFile(media: MediaFile, options: MediaOptions): Promise<MediaPlan> {
  const own = ownOptions(media, options);
  if ('path' in media) return planMedia({ kind: media.kind, source: media.path }, own);
  const { frames, times } = media;
  const first = await planMedia({ kind: 'image', source: frames[0] }, { ...own, preprocessor: { ...own.preprocessor, image: own.preprocessor.video } });
  const grid = gridOf(frames.length, first.sizes.input, own.preprocessor.video);
  const seconds = times === null || times.length === 1 ? null : (times[times.length - 1] - times[0]) / (times.length - 1);
  return {
    ...first,
    kind: 'video',
    path: null,
    frames: frames.map((_, index) => ({ index, time: times?.[index] ?? null })),
    grid,
    tokens: visualTokens(grid, own.preprocessor.video.merge_size),
    second_per_grid_t: seconds === null ? null : own.preprocessor.video.temporal_patch_size * seconds,
    info: null,
  };
}

/** The planned frames as patches, [t·h·w, C·2·14·14] bytes. @throws as decoding does */
export async function readMediaFile(media: MediaFile, plan: MediaPlan, options: MediaOptions): Promise<Uint8Array<SharedArrayBuffer>> {
  const own = ownOptions(media, options);
  if ('path' in media) return readMediaBytes({ kind: media.kind, source: media.path }, plan, own);
  return readMediaBytes({ kind: 'video', source: await readFrameFiles(media.frames, plan, own) }, plan, own);
}

/** The planned frames as pictures, for people to look at. @throws as decoding does */
export async function* mediaPictures(media: MediaFile, plan: MediaPlan, { read = {} }: MediaOptions): AsyncGenerator<Picture> {
  const files = 'path' in media ? [media.path] : media.frames;
  for (const file of files) yield* decode(file, { ...read, pick: 'path' in media ? [...new Set(plan.frames.map(({ index }) => index))] : [0], size: plan.sizes.input });
}

async function readFrameFiles(files: readonly string[], { sizes }: MediaPlan, { preprocessor, read = {} }: MediaOptions): Promise<FrameInput[]> {
  const pictures: FrameInput[] = [];
  for (const file of files) {
    const before = pictures.length;
    for await (const { data, width, height } of decode(file, { ...read, pick: [0], size: sizes.input, rule: preprocessor.video.resize_rule })) pictures.push({ data, width, height });
    if (pictures.length === before) throw new StaveError('VIDEO_NO_FRAMES', { what: `${file} holds no picture`, fix: 'give picture files' });
  }
  return pictures;
}

/** @throws DATA for a rate where the rule takes none */
function ownOptions(media: MediaFile, options: MediaOptions): MediaOptions {
  const { fps } = media;
  return {
    ...options,
    preprocessor: boundedBy(options.preprocessor, media),
    sampling: fps === undefined || !('path' in media) ? options.sampling : withRate(options.sampling, fps),
  };
}

/** How images and videos become patches, their area held to bounds where these are given. Where one bound alone is given, the other gives way. */
export function boundedBy(preprocessor: MediaOptions['preprocessor'], { min_pixels, max_pixels }: { min_pixels?: number | null; max_pixels?: number | null }): MediaOptions['preprocessor'] {
  const bounded = (own: PreprocessorConfig): PreprocessorConfig => ({ ...own, min_pixels: min_pixels ?? Math.min(own.min_pixels, max_pixels ?? Infinity), max_pixels: max_pixels ?? Math.max(own.max_pixels, min_pixels ?? 0) });
  return { image: bounded(preprocessor.image), video: bounded(preprocessor.video) };
}

function withRate(sampling: FrameSampling, fps: number): FrameSampling {
  if (sampling.rule === 'stave' || sampling.rule === 'qwen') return { ...sampling, fps };
  throw new StaveError('DATA', { what: `a video is to be shown at ${fps} frames a second`, why: `the sampling rule "${sampling.rule}" takes no rate`, fix: 'use the rule stave or qwen, or leave fps out of the data' });
}
