/** A clip as the 174-class classifier (InternVideo2-1B) sees it: 8 frames of 224×224. Source: internvideo2_vit/dataset.py */
import { linspace32, roundHalfEven } from '../../video/rounding.ts';
import { unroundedResizer } from '../../video/resize-float.ts';
import type { Picture } from '../../video/index.ts';

const FRAMES = 8, SIDE = 224;
const MEAN = [0.485, 0.456, 0.406], STD = [0.229, 0.224, 0.225]; // ImageNet's, RGB

/** Frames evenly spread by truncation; all of them when there are fewer than 8. */
export function clipFrames(frames: number): number[] {
  if (frames < FRAMES) return Array.from({ length: frames }, (_, i) => i);
  return Array.from(linspace32(frames - 1, FRAMES), Math.trunc);
}

/** Size after the shorter side became 224. Pixels. */
export function clipSize(height: number, width: number): { height: number; width: number } {
  const long = Math.trunc((SIDE * Math.max(height, width)) / Math.min(height, width));
  return height <= width ? { height: SIDE, width: long } : { height: long, width: SIDE };
}

/** Antialiased bicubic without rounding, the centre 224×224, normalised. @param frames of one size, RGB  @returns [3, T, 224, 224] */
export function clipPixels(frames: readonly Picture[]): Float32Array {
  const T = frames.length, plane = SIDE * SIDE;
  const out = new Float32Array(3 * T * plane);
  const [{ height: h, width: w }] = frames;
  const { height, width } = clipSize(h, w);
  const top = roundHalfEven((height - SIDE) / 2), left = roundHalfEven((width - SIDE) / 2);
  const resize = unroundedResizer(h, w, height, width);
  for (const [t, { data }] of frames.entries()) {
    const levels = h === height && w === width ? data : resize(data);
    for (let c = 0; c < 3; c++)
      for (let y = 0, at = (c * T + t) * plane; y < SIDE; y++)
        for (let x = 0; x < SIDE; x++, at++) out[at] = (levels[((top + y) * width + left + x) * 3 + c] / 255 - MEAN[c]) / STD[c];
  }
  return out;
}
