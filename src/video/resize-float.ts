import { cubicTaps } from './cubic.ts';
import { roundHalfEven } from './rounding.ts';

/** Antialiased bicubic in float32, rounded half to even and clamped at the end alone, as torchvision does on float copies of 8-bit
 * frames: overshoots of the first pass reach the second. RGB [h, w, 3] → RGB [H, W, 3]. */
export function floatResizer(h: number, w: number, H: number, W: number): (rgb: Uint8Array, out: Uint8Array) => void {
  const resize = rowResizer(h, w, H, W);
  return (rgb, out) =>
    resize(rgb, (sums, y) => {
      for (let i = 0, at = y * sums.length; i < sums.length; i++, at++) {
        const level = roundHalfEven(Math.fround(sums[i]));
        out[at] = level < 0 ? 0 : level > 255 ? 255 : level;
      }
    });
}

/** The same without rounding and clamping: RGB [h, w, 3] of bytes → levels [H, W, 3], some of them below 0 or over 255. */
export function unroundedResizer(h: number, w: number, H: number, W: number): (rgb: Uint8Array) => Float32Array {
  const resize = rowResizer(h, w, H, W);
  return (rgb) => {
    const out = new Float32Array(H * W * 3);
    resize(rgb, (sums, y) => out.set(sums, y * sums.length));
    return out;
  };
}

/** Hands over each row of the result, [W, 3]. */
function rowResizer(h: number, w: number, H: number, W: number): (rgb: Uint8Array, row: (sums: Float64Array, y: number) => void) => void {
  const across = cubicTaps(w, W);
  const down = cubicTaps(h, H);
  const between = new Float32Array(h * W * 3);
  const sums = new Float64Array(W * 3);
  return (rgb, row) => {
    for (let y = 0, at = 0; y < h; y++) {
      for (let x = 0; x < W; x++, at += 3) {
        let from = (y * w + across.first[x]) * 3;
        let r = 0, g = 0, b = 0;
        const taps = x * across.size;
        for (let k = taps; k < taps + across.count[x]; k++, from += 3) {
          const weight = across.weights[k];
          r += rgb[from] * weight;
          g += rgb[from + 1] * weight;
          b += rgb[from + 2] * weight;
        }
        between[at] = r;
        between[at + 1] = g;
        between[at + 2] = b;
      }
    }
    const n = W * 3;
    for (let y = 0; y < H; y++) {
      sums.fill(0);
      for (let k = 0; k < down.count[y]; k++) {
        const weight = down.weights[y * down.size + k];
        const start = (down.first[y] + k) * n;
        for (let i = 0; i < n; i++) sums[i] += between[start + i] * weight;
      }
      row(sums, y);
    }
  };
}
