import type { Picture } from './encode.ts';

/** The frames of [F, height, width, 3] one by one, in the same memory. */
export function picturesOf(frames: Uint8Array, width: number, height: number): Picture[] {
  const size = width * height * 3;
  return Array.from({ length: frames.length / size }, (_, i) => ({ data: frames.subarray(i * size, (i + 1) * size), width, height }));
}
