import { StaveError } from '../errors.ts';
import { roundHalfEven } from './rounding.ts';

export type PixelBudget = {
  /** Both sides become multiples of this (patch size × merge size; Qwen2-VL: 28). */
  factor?: number;
  /** Smallest area of the result, in pixels. */
  minPixels: number;
  /** Largest area of the result, in pixels. */
  maxPixels: number;
};

const maxRatio = 200; // the original refuses anything longer and thinner

/** The size a frame is brought to: sides to the nearest multiple of `factor` (half to even, at least `factor`), then scaled so
 * that the area lies in [minPixels, maxPixels], the ratio kept as well as multiples allow.
 * Source: `smart_resize` of qwen-vl-utils; the image processor of transformers agrees for sides of at least `factor`.
 * @param height @param width pixels, at least 1
 * @returns height and width in pixels, multiples of `factor`
 * @throws USAGE for a size that is not positive; LIMIT when one side is over 200 times the other or `maxPixels` leaves no room for one patch */
export function smartResize(height: number, width: number, { factor = 28, minPixels, maxPixels }: PixelBudget): { height: number; width: number } {
  if (!(height > 0 && width > 0)) throw new StaveError('USAGE', { what: `a frame of ${width}×${height} pixels has no area`, fix: 'give sides of at least 1 pixel' });
  if (Math.max(height, width) / Math.min(height, width) > maxRatio) {
    throw new StaveError('LIMIT', { what: `a frame of ${width}×${height} pixels is too long and thin`, why: `one side may be at most ${maxRatio} times the other`, fix: 'crop the video first' });
  }
  let h = Math.max(factor, roundHalfEven(height / factor) * factor);
  let w = Math.max(factor, roundHalfEven(width / factor) * factor);
  if (h * w > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    h = Math.floor(height / beta / factor) * factor;
    w = Math.floor(width / beta / factor) * factor;
  } else if (h * w < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    h = Math.ceil((height * beta) / factor) * factor;
    w = Math.ceil((width * beta) / factor) * factor;
  }
  if (h === 0 || w === 0) {
    throw new StaveError('LIMIT', {
      what: `a frame of ${width}×${height} pixels does not fit into ${maxPixels} pixels`,
      why: `its shorter side would be under ${factor} pixels`, fix: `raise max_pixels, or crop the video first`,
    });
  }
  return { height: h, width: w };
}
