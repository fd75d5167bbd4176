/** What an answer may take, and settings that keep within it. */
import { StaveError } from '../errors.ts';
import { frameSize, gridOf, type Grid } from '../models/qwen2vl/index.ts';
import type { MediaOptions, MediaPlan } from './media.ts';

/** What an answer takes with videos and images of these grids. memory: bytes; branches: see ReadingOptions, absent: as asked for */
export type Needs = (grids: readonly Grid[], branches?: number) => { tokens: number; memory: number };

/** What saves memory, or tokens, besides other grids. saved: bytes */
type Change = { saved?: number; branches?: number };

export type Limits = { tokens: number; memory: number };

/** What --weights may say for a model to take so many bytes less. */
export type Lighter = { weights: string; saved: number; /** It can't be made from this checkpoint, but from that which this was made from. */ from_original: boolean };

type Planned = { media: readonly MediaPlan[]; preprocessor: MediaOptions['preprocessor']; visual_tokens: number; prompt_tokens: number; max_new_tokens: number; /** See ReadingOptions. */ branches: number | undefined; lighter: () => Lighter[] };

/** @throws LIMIT naming the numbers and the settings that would fit */
export function checkLimits(planned: Planned, needs: Needs, limits: Limits): void {
  const { media, visual_tokens, prompt_tokens, max_new_tokens, branches } = planned;
  const { tokens, memory } = needs(media.map(({ grid }) => grid));
  const frames = media.reduce((sum, item) => sum + item.frames.length, 0);
  const why = `${frames} frames make ${visual_tokens} visual tokens, the prompt has ${prompt_tokens} in all, ${branches === undefined ? `the answer up to ${max_new_tokens}` : `the choices ${branches} side by side and up to ${max_new_tokens} one after the other`}`;
  const what = tokens > limits.tokens ? `prompt and answer take ${tokens} tokens, ${limits.tokens} are allowed` : memory > limits.memory ? `the answer takes about ${megabytes(memory)} of memory, ${megabytes(limits.memory)} can be had` : undefined;
  if (what !== undefined) throw new StaveError('LIMIT', { what, why, fix: advice(planned, (grids, { saved = 0, branches: fewer } = {}) => {
    const needed = needs(grids, fewer);
    return needed.tokens <= limits.tokens && needed.memory - saved <= limits.memory;
  }, limits.tokens) });
}

/** The settings, each changed alone, that would do. */
function advice({ media, preprocessor, prompt_tokens, max_new_tokens, branches, lighter }: Planned, fits: (grids: readonly Grid[], change?: Change) => boolean, tokens: number): string {
  const frames = most(Math.max(0, ...media.map((item) => (item.kind === 'video' ? item.frames.length : 0))) - 1, (n) => fits(media.map((item) => withFrames(item, n, preprocessor))));
  const unit = Math.max(0, ...media.map(({ kind }) => (preprocessor[kind].patch_size * preprocessor[kind].merge_size) ** 2)); // the area of a visual token
  const area = Math.max(0, ...media.map(({ sizes: { input } }) => input.width * input.height)) / (unit || 1);
  const pixels = most(Math.ceil(area) - 1, (n) => fits(media.map((item) => withPixels(item, n * unit, preprocessor))));
  const shorter = tokens - prompt_tokens; // what is left for an answer
  const grids = media.map(({ grid }) => grid);
  const light = lighter().find(({ saved }) => fits(grids, { saved }));
  const ways = [
    ...(frames > 0 ? [`at most ${frames} ${frames === 1 ? 'frame' : 'frames'} (--frames ${frames})`] : []),
    ...(pixels > 0 ? [`frames of at most ${pixels * unit} pixels (--max-pixels ${pixels * unit})`] : []),
    ...(branches === undefined && shorter > 0 && shorter < max_new_tokens ? [`an answer of at most ${shorter} tokens (--max-tokens ${shorter})`] : []),
    ...(branches !== undefined && fits(grids, { branches: 0 }) ? ['fewer or shorter choices'] : []),
    ...(light === undefined ? [] : [`smaller weights (--weights ${light.weights}${light.from_original ? ' with the checkpoint that this one was made from' : ''})`]),
  ];
  if (ways.length > 0) return `use ${ways.join(', or ')}`;
  return `${media.length > 0 ? 'no number or size of frames would do: ' : ''}use a shorter prompt, a smaller model, or a machine with more memory`;
}

function withFrames(item: MediaPlan, frames: number, preprocessor: MediaOptions['preprocessor']): Grid {
  return item.kind === 'image' ? item.grid : gridOf(Math.min(frames, item.frames.length), item.sizes.input, preprocessor[item.kind]);
}

/** @throws LIMIT for frames that cannot be made so small */
function withPixels({ kind, frames, sizes: { source } }: MediaPlan, max_pixels: number, preprocessor: MediaOptions['preprocessor']): Grid {
  const config = preprocessor[kind];
  return gridOf(frames.length, frameSize(source.height, source.width, { ...config, min_pixels: Math.min(config.min_pixels, max_pixels), max_pixels: Math.min(config.max_pixels, max_pixels) }), config);
}

/** The largest whole number from 1 to `high` that does, where smaller ones do too; 0: none. */
function most(high: number, does: (n: number) => boolean): number {
  let low = 0;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (tries(() => does(middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

function tries(does: () => boolean): boolean {
  try {
    return does();
  } catch (error) {
    if (error instanceof StaveError) return false;
    throw error;
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
