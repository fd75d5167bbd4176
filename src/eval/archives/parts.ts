/** Files read as if they were one. */
import { createReadStream } from 'node:fs';
import type { Part } from './archive.ts';

/** Bytes from `start` up to `end`, in small pieces: what is compressed can become a thousand times as long. */
export async function* bytesOf(parts: readonly Part[], { start = 0, end = Infinity, signal }: { start?: number; end?: number; signal?: AbortSignal } = {}): AsyncGenerator<Buffer, void> {
  let at = 0; // where a part begins
  for (const { path, bytes } of parts) {
    const [from, to] = [Math.max(0, start - at), Math.min(bytes, end - at)];
    if (from < to) for await (const chunk of createReadStream(path, { start: from, end: to - 1, highWaterMark: 1 << 16, signal })) yield chunk as Buffer;
    at += bytes;
  }
}
