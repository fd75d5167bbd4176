/** The decoding process: reads jobs from its standard input, writes messages to its standard output, ends when the input does. All calls block,
 * so that a parent that does not read holds it back, and nothing piles up. */
import { readSync, writeSync } from 'node:fs';
import { StaveError } from '../errors.ts';
import type { Job } from './jobs.ts';
import { header, parseHeader } from './wire.ts';
import type { Fault, Reply } from './wire.ts';

process.on('SIGINT', () => {}); // Ctrl-C is the parent's to answer; it ends this process by closing the input or killing it

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Moves all of `bytes`, whatever the pipe takes or gives at a time. @returns false at the end of the input */
function transfer(move: (bytes: Uint8Array, from: number) => number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    try {
      const moved = move(bytes, done);
      if (moved === 0) return false;
      done += moved;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return false; // Windows
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
  return true;
}

const receive = (bytes: Uint8Array) => transfer((b, from) => readSync(0, b, from, b.length - from, null), bytes);
const send = (bytes: Uint8Array) => transfer((b, from) => writeSync(1, b, from, b.length - from), bytes);

function reply(message: Reply): void {
  const { data, ...rest } = message as Reply & { data?: Uint8Array };
  const json = Buffer.from(JSON.stringify(rest));
  send(header(json, data?.length ?? 0));
  send(json);
  if (data) send(data);
}

function fault(error: unknown): Fault {
  if (error instanceof StaveError) return { type: 'error', code: error.code, what: error.what, why: error.why, fix: error.fix };
  return { type: 'error', code: 'VIDEO_UNREADABLE', what: 'the video decoder failed', why: error instanceof Error ? error.message : String(error) };
}

const { run } = await import('./jobs.ts').catch((error: unknown) => {
  reply({ type: 'error', code: 'VIDEO_UNREADABLE', what: 'the video decoder (node-av) cannot be loaded', why: (error as Error).message, fix: 'install again, with optional dependencies, on a supported platform' });
  process.exit(1);
});
const head = new Uint8Array(8);
while (receive(head)) {
  const json = Buffer.alloc(parseHeader(head).jsonLength);
  if (!receive(json)) break;
  try {
    for (const message of run(JSON.parse(json.toString()) as Job)) if (message) reply(message);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') break;
    reply(fault(error));
  }
}
process.exit(0);
