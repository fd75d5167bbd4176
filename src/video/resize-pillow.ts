import { cubicTaps } from './cubic.ts';

/** Weights as integers: rounded multiples of 2^−precision. */
type FixedTaps = { first: Int32Array; count: Int32Array; weights: Int32Array; size: number; precision: number };

const PILLOW = 22; // bits: 32 less 8 for the pixel and 2 for sums of weights outside [0, 1]

function fixedTaps(from: number, to: number, precisionOf: (weights: Float64Array) => number): FixedTaps {
  const { weights, ...taps } = cubicTaps(from, to);
  const precision = precisionOf(weights);
  return { ...taps, precision, weights: Int32Array.from(weights, (w) => Math.trunc(w * 2 ** precision + (w < 0 ? -0.5 : 0.5))) };
}

/** The most bits, up to Pillow's, with which the largest weight still fits 16. */
function shortPrecision(weights: Float64Array): number {
  const largest = weights.reduce((a, b) => Math.max(a, b), 0);
  let precision = 0;
  while (precision < PILLOW && Math.trunc(largest * 2 ** (precision + 1) + 0.5) < 1 << 15) precision++;
  return precision;
}

const clamp8 = (sum: number, precision: number): number => {
  const level = sum >> precision;
  return level < 0 ? 0 : level > 255 ? 255 : level;
};

/** Rows [low, high) of [h, w, 3] → [high − low, W, 3]. */
function horizontal(source: Uint8Array, target: Uint8Array, w: number, W: number, low: number, high: number, taps: FixedTaps): void {
  const { first, count, weights, size, precision } = taps;
  const half = 1 << (precision - 1);
  let out = 0;
  for (let y = low; y < high; y++) {
    for (let x = 0; x < W; x++) {
      let at = (y * w + first[x]) * 3;
      let r = half, g = half, b = half;
      const from = x * size, to = from + count[x];
      for (let k = from; k < to; k++, at += 3) {
        const weight = weights[k];
        r = (r + Math.imul(source[at], weight)) | 0;
        g = (g + Math.imul(source[at + 1], weight)) | 0;
        b = (b + Math.imul(source[at + 2], weight)) | 0;
      }
      target[out] = clamp8(r, precision);
      target[out + 1] = clamp8(g, precision);
      target[out + 2] = clamp8(b, precision);
      out += 3;
    }
  }
}

/** [rows, w, 3], whose first row is row `low` of the frame, → [H, w, 3]. `sums` holds one row of w·3. */
function vertical(source: Uint8Array, target: Uint8Array, sums: Int32Array, H: number, low: number, taps: FixedTaps): void {
  const { first, count, weights, size, precision } = taps;
  const half = 1 << (precision - 1);
  const n = sums.length;
  for (let y = 0; y < H; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * size + k];
      const row = (first[y] + k - low) * n;
      for (let i = 0; i < n; i++) sums[i] = (sums[i] + Math.imul(source[row + i], weight)) | 0;
    }
    for (let i = 0, out = y * n; i < n; i++, out++) target[out] = clamp8(sums[i], precision);
  }
}

/** `Image.resize(…, BICUBIC)` of Pillow 13 on RGB [h, w, 3] → [H, W, 3], bit for bit. The two passes go through 8 bits, so their order
 * shows: horizontal first, unless the height shrinks by more than twice what the width shrinks by (before Pillow 13: always). */
export function pillowResizer(h: number, w: number, H: number, W: number): (rgb: Uint8Array, out: Uint8Array) => void {
  return twoPasses(h, w, H, W, () => PILLOW, h > H && h - H > 2 * (w - W));
}

/** `resize(…, BICUBIC, antialias=True)` of torchvision.transforms.v2 on 8-bit tensors, bit for bit: Pillow's arithmetic with weights of 16 bits, horizontal first. What the
 * video processors and the fast image processors of transformers use. */
export function shortResizer(h: number, w: number, H: number, W: number): (rgb: Uint8Array, out: Uint8Array) => void {
  return twoPasses(h, w, H, W, shortPrecision, false);
}

function twoPasses(h: number, w: number, H: number, W: number, precisionOf: (weights: Float64Array) => number, verticalFirst: boolean): (rgb: Uint8Array, out: Uint8Array) => void {
  const across = fixedTaps(w, W, precisionOf);
  const down = fixedTaps(h, H, precisionOf);
  if (h === H) return (rgb, out) => horizontal(rgb, out, w, W, 0, h, across); // a pass that changes nothing is left out
  if (w === W) {
    const sums = new Int32Array(W * 3);
    return (rgb, out) => vertical(rgb, out, sums, H, 0, down);
  }
  if (verticalFirst) {
    const between = new Uint8Array(H * w * 3);
    const sums = new Int32Array(w * 3);
    return (rgb, out) => {
      vertical(rgb, between, sums, H, 0, down);
      horizontal(between, out, w, W, 0, H, across);
    };
  }
  const low = down.first[0]; // rows that the vertical pass never reads need no horizontal one
  const high = down.first[H - 1] + down.count[H - 1];
  const between = new Uint8Array((high - low) * W * 3);
  const sums = new Int32Array(W * 3);
  return (rgb, out) => {
    horizontal(rgb, between, w, W, low, high, across);
    vertical(between, out, sums, H, low, down);
  };
}
