/** Files read as if they were one. */
import { createReadStream } from 'node:fs';
import { StaveError } from '../../errors.ts';
import type { Part } from './archive.ts';

/** Bytes from `start` up to `end`, in small pieces: what is compressed can become a thousand times as long. @throws IO naming the file that can't be read; the signal's reason */
export async function* bytesOf(parts: readonly Part[], { start = 0, end = Infinity, signal }: { start?: number; end?: number; signal?: AbortSignal } = {}): AsyncGenerator<Buffer, void> {
  let at = 0; // where a part begins
  for (const { path, bytes } of parts) {
    const [from, to] = [Math.max(0, start - at), Math.min(bytes, end - at)];
    if (from < to) {
      const stream = createReadStream(path, { start: from, end: to - 1, highWaterMark: 1 << 16, signal });
      try {
        for await (const chunk of stream) yield chunk as Buffer;
      } catch (error) {
        throw readError(path, error);
      }
    }
    at += bytes;
  }
}

/** Told here, where it is known that it came from reading: whoever writes what is read meets both kinds. */
function readError(path: string, cause: unknown): unknown {
  const { message, code, syscall } = cause as NodeJS.ErrnoException;
  if (syscall === undefined) return cause;
  return new StaveError('IO', { what: `cannot read ${path}`, why: message, fix: code === 'EACCES' ? 'give yourself permission to read it' : 'check the disk and the path', cause });
}
