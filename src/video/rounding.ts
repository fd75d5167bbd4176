/** Rounds half to even, as Python's `round`, `np.round` and `torch.round` do: 2.5 → 2, 3.5 → 4. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `torch.linspace(0, end, count)` in float32: built from both ends, so that the last value is exactly `end`. */
export function linspace32(end: number, count: number): Float32Array {
  const values = new Float32Array(count);
  if (count === 1) return values; // torch gives the start
  const last = Math.fround(end);
  const step = Math.fround(last / (count - 1));
  const half = Math.floor(count / 2);
  for (let i = 0; i < count; i++) values[i] = i < half ? step * i : last - step * (count - 1 - i); // the product is exact in float64: one rounding, as with FMA
  return values;
}

/** `np.linspace(0, end, count)`: i · (end / (count − 1)) in float64, the last value exactly `end`. */
export function linspace64(end: number, count: number): Float64Array {
  const values = new Float64Array(count);
  if (count === 1) return values;
  const step = end / (count - 1);
  for (let i = 0; i < count; i++) values[i] = i * step;
  values[count - 1] = end;
  return values;
}
