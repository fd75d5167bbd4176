/** One axis of a separable resize: which inputs make each output, and with what weights. */
export type Taps = {
  /** First input of each output. */
  first: Int32Array;
  /** How many inputs each output has, at most `size`. */
  count: Int32Array;
  /** [outputs, size] weights; each row sums to 1, beyond `count` it is 0. */
  weights: Float64Array;
  size: number;
};

/** Keys' cubic with a = −0.5, the one PIL and torchvision (antialias) use. Support [−2, 2]. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * -0.5;
  return 0;
}

/** Taps of an antialiased cubic from `from` to `to` samples: when shrinking, the kernel is as much wider as the step.
 * The window and the arithmetic are those of Pillow's `precompute_coeffs`, so that fixed-point weights come out equal. */
export function cubicTaps(from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  const size = Math.ceil(support) * 2 + 1;
  const taps: Taps = { first: new Int32Array(to), count: new Int32Array(to), weights: new Float64Array(to * size), size };
  const inverse = 1 / stretch;
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - first;
    const row = taps.weights.subarray(i * size, i * size + count);
    let sum = 0;
    for (let k = 0; k < count; k++) sum += row[k] = cubic((k + first - center + 0.5) * inverse);
    if (sum !== 0) for (let k = 0; k < count; k++) row[k] /= sum;
    taps.first[i] = first;
    taps.count[i] = count;
  }
  return taps;
}
