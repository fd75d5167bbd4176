import type { Random } from './random.ts';

/** Cheap stand-ins for what an encoder and a resize do to a clip. */
export type Degradation = {
  /** The clip is drawn at this part of the asked size and blown up. */
  scale: number;
  /** Brightness is quantised around each block's mean with this step (levels); 0: not at all. */
  step: number;
  /** Pixels per block side. */
  block: number;
  /** Colour is kept per 2×2 pixels only. */
  chroma: boolean;
};

/** @param smaller the clip's own size as a part of the asked one (at least 1: it will be shrunk, not blown up) */
export function chooseDegradation(r: Random, smaller: number): Degradation {
  const soft = r.chance(0.25) ? r.range(0.6, 1) : 1;
  return { scale: Math.max(0.45, Math.min(1, smaller * soft)), step: r.chance(0.5) ? 0 : r.range(2, 14), block: r.pick([4, 6, 8]), chroma: r.chance(0.5) };
}

/** Blocks and half-resolution colour, in place. frame: RGB [height, width, 3] */
export function compress(frame: Uint8Array, width: number, height: number, { step, block, chroma }: Degradation): void {
  if (chroma) halveChroma(frame, width, height);
  if (step > 0) quantise(frame, width, height, step, block);
}

function halveChroma(frame: Uint8Array, width: number, height: number): void {
  const row = width * 3;
  for (let y = 0; y + 1 < height; y += 2)
    for (let i = y * row, x = 0; x + 1 < width; x += 2, i += 6) {
      const at = [i, i + 3, i + row, i + row + 3];
      let [r, g, b] = [0, 0, 0];
      for (const p of at) [r, g, b] = [r + frame[p], g + frame[p + 1], b + frame[p + 2]];
      const mean = (r + g + b) / 12;
      for (const p of at) {
        const luma = (frame[p] + frame[p + 1] + frame[p + 2]) / 3 - mean;
        frame[p] = Math.min(255, Math.max(0, r / 4 + luma));
        frame[p + 1] = Math.min(255, Math.max(0, g / 4 + luma));
        frame[p + 2] = Math.min(255, Math.max(0, b / 4 + luma));
      }
    }
}

/** Differences from the block's mean are rounded to multiples of `step`, the smallest vanish. */
function quantise(frame: Uint8Array, width: number, height: number, step: number, block: number): void {
  const table = new Int16Array(511); // difference + 255 → quantised
  for (let d = -255; d <= 255; d++) table[d + 255] = Math.sign(d) * Math.round(Math.floor(Math.abs(d) / step + 0.4) * step);
  for (let top = 0; top < height; top += block)
    for (let left = 0; left < width; left += block) {
      const [bottom, right] = [Math.min(height, top + block), Math.min(width, left + block)];
      const count = (bottom - top) * (right - left);
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = top; y < bottom; y++) for (let i = (y * width + left) * 3 + c, x = left; x < right; x++, i += 3) sum += frame[i];
        const mean = Math.round(sum / count);
        for (let y = top; y < bottom; y++)
          for (let i = (y * width + left) * 3 + c, x = left; x < right; x++, i += 3) {
            const v = mean + table[frame[i] - mean + 255];
            frame[i] = v < 0 ? 0 : v > 255 ? 255 : v;
          }
      }
    }
}

/** Bilinear resize of one RGB frame [h, w, 3] into out [H, W, 3]; for enlarging. */
export function enlarge(frame: Uint8Array, w: number, h: number, out: Uint8Array, W: number, H: number): void {
  const xs = taps(w, W);
  const ys = taps(h, H);
  for (let Y = 0, o = 0; Y < H; Y++) {
    const [a, b, ty] = [ys.at[Y] * w * 3, Math.min(h - 1, ys.at[Y] + 1) * w * 3, ys.part[Y]];
    for (let X = 0; X < W; X++) {
      const p = xs.at[X] * 3;
      const q = Math.min(w - 1, xs.at[X] + 1) * 3;
      const tx = xs.part[X];
      for (let c = 0; c < 3; c++, o++) {
        const top = frame[a + p + c] + (frame[a + q + c] - frame[a + p + c]) * tx;
        const bottom = frame[b + p + c] + (frame[b + q + c] - frame[b + p + c]) * tx;
        out[o] = top + (bottom - top) * ty + 0.5;
      }
    }
  }
}

function taps(from: number, to: number): { at: Int32Array; part: Float32Array } {
  const at = new Int32Array(to);
  const part = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const x = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    at[i] = Math.floor(x);
    part[i] = x - at[i];
  }
  return { at, part };
}
