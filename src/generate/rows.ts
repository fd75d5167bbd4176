/** Rows of a clip's patches in memory: how slices by frame group and slices by patch position are cut from one another. */
import type { TemporalAttention } from '../models/qwen2vl/index.ts';

/** B clips of T frame groups, N patches each. */
export type ClipSizes = { B: number; T: number; N: number };

/** A range of frame groups, or of patch positions, counted over all clips. */
export type Slice = { start: number; end: number };

/** Ranges of about equal length, at most `most`, that make up a whole. */
export function slices(total: number, most: number): Slice[] {
  const count = Math.ceil(total / most);
  return Array.from({ length: count }, (_, i) => ({ start: Math.floor((i * total) / count), end: Math.floor(((i + 1) * total) / count) }));
}

/** Copies patch positions `start` to `end` at all times: x, [F·N, D] for each slice of frame groups → out [T, end − start, D]. Yields between frame groups. */
export function* sequencesOf(x: readonly Float32Array[], frames: readonly Slice[], { T, N }: ClipSizes, { start, end }: Slice, out: Float32Array): Generator<void> {
  const D = out.length / (T * (end - start));
  for (let clip = Math.floor(start / N); clip * N < end; clip++) {
    const [from, to] = [Math.max(start, clip * N), Math.min(end, (clip + 1) * N)]; // those of one clip lie side by side
    for (let t = 0; t < T; t++) {
      const frame = clip * T + t;
      const slice = frames.findIndex((slice) => frame < slice.end);
      const row = (frame - frames[slice].start) * N + from - clip * N;
      out.set(x[slice].subarray(row * D, (row + to - from) * D), (t * (end - start) + from - start) * D);
      yield;
    }
  }
}

/** Puts what temporal attention gave for patch positions `start` to `end`, [end − start, T, E], to the rows of x that it meets: out [B·T·N, E]; see TemporalAttention.rows. */
export function placeAttended(attended: Float32Array, { T, N }: ClipSizes, { start, end }: Slice, rows: TemporalAttention['rows'], out: Float32Array): void {
  const E = attended.length / (T * (end - start));
  if (rows === 'patch-major') return out.set(attended, start * T * E);
  for (let position = start, at = 0; position < end; position++) {
    const clip = Math.floor(position / N);
    for (let t = 0; t < T; t++, at += E) out.set(attended.subarray(at, at + E), ((clip * T + t) * N + position - clip * N) * E);
  }
}

/** Gives an array's memory back now, where Node can (20 leaves it to the collector): a clip's would fill the machine's before it runs. Shared memory stays. */
export function discard({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && 'transfer' in buffer) buffer.transfer(0);
}

/** One behind the other. */
export function joined(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const all = new Float32Array(arrays.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
