import { StaveError } from '../../errors.ts';
import type { Picture } from '../../video/index.ts';
import { resizer } from '../../video/resize.ts';
import { smartResize } from '../../video/smart-resize.ts';
import type { Grid } from './mrope.ts';
import type { PreprocessorConfig } from './preprocessor-config.ts';

const CHANNELS = 3;

/** Size that frames of `height`×`width` pixels are brought to before they are cut into patches. @throws LIMIT */
export function frameSize(height: number, width: number, { do_resize, patch_size, merge_size, min_pixels, max_pixels }: PreprocessorConfig): { height: number; width: number } {
  const factor = patch_size * merge_size;
  if (do_resize) return smartResize(height, width, { factor, minPixels: min_pixels, maxPixels: max_pixels });
  if (height > 0 && width > 0 && height % factor === 0 && width % factor === 0) return { height, width };
  throw new StaveError('USAGE', { what: `frames of ${width}×${height} pixels cannot be cut into patches`, why: `do_resize is off, so both sides must be multiples of ${factor}`, fix: `resize the frames first` });
}

/** Grid of a clip (an image is a clip of one frame) whose frames have the size that {@link frameSize} gives. */
export function gridOf(frames: number, { height, width }: { height: number; width: number }, { patch_size, temporal_patch_size }: PreprocessorConfig): Grid {
  return [Math.ceil(frames / temporal_patch_size), height / patch_size, width / patch_size];
}

/** Tokens a clip takes in the prompt. */
export function visualTokens([t, h, w]: Grid, merge_size: number): number {
  return (t * h * w) / merge_size ** 2;
}

/** A clip as input of the vision encoder, in the order of transformers' pixel_values_videos. */
export type Patches<A> = {
  /** [T, N, C·2·14·14] in shared memory: T frame groups; N patches, merge_size × merge_size neighbours following each other; in a patch channel, frame, row, column. */
  pixel_values: A;
  grid: Grid;
};

/** Frames → normalised patches. All frames are brought to the size that the first one asks for. transformers 4.46.1 Qwen2VLImageProcessor
 * @param frames at least one; an incomplete last group is filled up with the last frame  @throws USAGE, LIMIT */
export function pixelValues(frames: readonly Picture[], config: PreprocessorConfig): Patches<Float32Array<SharedArrayBuffer>> {
  return cut(frames, config, (length) => new Float32Array(new SharedArrayBuffer(4 * length)), normalisation(config));
}

/** The same patches still bytes, a quarter of the memory: for graphs that normalise by themselves. */
export function pixelBytes(frames: readonly Picture[], config: PreprocessorConfig): Patches<Uint8Array<SharedArrayBuffer>> {
  return cut(frames, config, (length) => new Uint8Array(new SharedArrayBuffer(length)), undefined);
}

/** What each of the 256 bytes becomes in each channel, [3, 256]. Rounded to float32 after each step, as numpy does. */
export function normalisation({ do_rescale, rescale_factor, do_normalize, image_mean, image_std }: PreprocessorConfig): Float32Array {
  const f = Math.fround;
  return Float32Array.from({ length: CHANNELS * 256 }, (_, i) => {
    const channel = i >> 8;
    const value = do_rescale ? f((i & 255) * rescale_factor) : i & 255;
    return do_normalize ? f(value - f(image_mean[channel])) / f(image_std[channel]) : value;
  });
}

function cut<A extends Float32Array | Uint8Array>(frames: readonly Picture[], config: PreprocessorConfig, allocate: (length: number) => A, table: Float32Array | undefined): Patches<A> {
  if (frames.length === 0) throw new StaveError('USAGE', { what: 'there are no frames', fix: 'give at least one' });
  const size = frameSize(frames[0].height, frames[0].width, config);
  const grid = gridOf(frames.length, size, config);
  const { temporal_patch_size } = config;
  const total = grid[0] * temporal_patch_size; // frames with the filling
  const pixel_values = allocate(total * size.height * size.width * CHANNELS);
  let resize = { h: 0, w: 0, run: (rgb: Uint8Array) => rgb };
  for (let i = 0; i < total; i++) {
    const { data, width: w, height: h } = frames[Math.min(i, frames.length - 1)];
    if (data.length !== h * w * CHANNELS) throw new StaveError('USAGE', { what: `frame ${i} holds ${data.length} bytes`, why: `${w}×${h} pixels in RGB take ${h * w * CHANNELS}`, fix: 'give frames as RGB bytes, [height, width, 3]' });
    if (resize.h !== h || resize.w !== w) resize = { h, w, run: h === size.height && w === size.width ? (rgb) => rgb : resizer(h, w, size.height, size.width, config.resize_rule) };
    for (const _ of placeFrame(resize.run(data), i, grid, config, pixel_values, table));
  }
  return { pixel_values, grid };
}

/** Writes frame `index`, RGB [14·h, 14·w, 3], to its places in [T, N, C, 2, 14, 14]. Yields after each row of merged patches: a caller may pause there.
 * @param table what a byte becomes, see {@link normalisation}; undefined: itself */
export function* placeFrame(rgb: Uint8Array, index: number, [, h, w]: Grid, { patch_size: P, temporal_patch_size: pair, merge_size: m }: PreprocessorConfig, out: Float32Array | Uint8Array, table: Float32Array | undefined): Generator<void> {
  const width = w * P;
  const plane = P * P; // pixels of one channel of one frame in a patch
  let patch = Math.floor(index / pair) * h * w * CHANNELS * pair * plane + (index % pair) * plane; // where this frame begins in the patch
  for (let top = 0; top < h; top += m) {
    for (let left = 0; left < w; left += m)
      for (let row = top; row < top + m; row++)
        for (let column = left; column < left + m; column++, patch += CHANNELS * pair * plane)
          for (let c = 0; c < CHANNELS; c++) {
            let at = patch + c * pair * plane;
            for (let y = 0; y < P; y++) {
              let from = ((row * P + y) * width + column * P) * CHANNELS + c;
              for (let x = 0; x < P; x++, from += CHANNELS) out[at++] = table === undefined ? rgb[from] : table[(c << 8) | rgb[from]];
            }
          }
    yield;
  }
}

/** Frame `index` back out of bytes that {@link pixelBytes} cut. pixels: [T, N, C·2·14·14] of one clip → RGB [14·h, 14·w, 3] */
export function takeFrame(pixels: Uint8Array, index: number, [, h, w]: Grid, { patch_size: P, temporal_patch_size: pair, merge_size: m }: Pick<PreprocessorConfig, 'patch_size' | 'temporal_patch_size' | 'merge_size'>): Picture {
  const width = w * P, height = h * P;
  const plane = P * P;
  const data = new Uint8Array(width * height * CHANNELS);
  let patch = Math.floor(index / pair) * h * w * CHANNELS * pair * plane + (index % pair) * plane;
  for (let top = 0; top < h; top += m)
    for (let left = 0; left < w; left += m)
      for (let row = top; row < top + m; row++)
        for (let column = left; column < left + m; column++, patch += CHANNELS * pair * plane)
          for (let i = 0; i < CHANNELS * plane; i++) {
            const c = Math.floor(i / plane), y = Math.floor((i % plane) / P), x = i % P;
            data[((row * P + y) * width + column * P + x) * CHANNELS + c] = pixels[patch + c * pair * plane + y * P + x];
          }
  return { data, width, height };
}
