import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { StaveError } from '../errors.ts';
import type { Job, Message } from './jobs.ts';
import { header, parseHeader } from './wire.ts';
import type { Reply } from './wire.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));
const idleMs = 2000; // a child without work ends after this long
const longestTimer = 2 ** 31 - 1; // setTimeout takes more for 1 ms
const keptVariables = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'LANG', 'SystemRoot', 'LD_LIBRARY_PATH'];

/** A decoding process: does one job at a time, and is killed rather than argued with. */
class DecodingProcess {
  readonly #child: Child;
  #exit: string | undefined;
  #stderr = '';
  #idle: NodeJS.Timeout | undefined;

  constructor() {
    const env = Object.fromEntries(keptVariables.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
    this.#child = spawn(process.execPath, ['--max-old-space-size=128', entry], { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#child.on('error', (error) => { this.#exit ??= error.message; });
    this.#child.on('exit', (code, signal) => { this.#exit ??= signal ? `it was ended by ${signal}` : `it ended with code ${code}`; idle.delete(this); });
    this.#child.stdin.on('error', () => {}); // told by 'exit'
    this.#child.stderr.on('data', (text: Buffer) => { this.#stderr = (this.#stderr + text.toString()).slice(-2000); });
  }

  get usable(): boolean {
    return this.#exit === undefined;
  }

  kill(): void {
    this.#exit ??= 'it was ended';
    this.#child.kill('SIGKILL');
    this.#child.stdout.destroy();
    this.#hold(false);
  }

  /** Kept for the next job, without keeping this process alive. */
  rest(): void {
    this.#hold(false);
    idle.add(this);
    this.#idle = setTimeout(() => { idle.delete(this); this.kill(); }, idleMs);
    this.#idle.unref();
  }

  wake(): void {
    clearTimeout(this.#idle);
    this.#hold(true);
  }

  ask(job: Job): void {
    const json = Buffer.from(JSON.stringify(job));
    this.#child.stdin.write(Buffer.concat([header(json, 0), json]));
  }

  /** The next message. Rejects with the signal's reason when aborted, with LIMIT after `ms`, with VIDEO_UNREADABLE when the process has died. */
  async reply(path: string, ms: number, signal: AbortSignal | undefined): Promise<Reply> {
    const { jsonLength, dataLength } = parseHeader(await this.#bytes(8, path, ms, signal));
    const json = JSON.parse(Buffer.from(await this.#bytes(jsonLength, path, ms, signal)).toString());
    return dataLength > 0 ? { ...json, data: await this.#bytes(dataLength, path, ms, signal) } : json;
  }

  async #bytes(length: number, path: string, ms: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { stdout } = this.#child;
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const chunk: Buffer | null = stdout.readableLength > 0 ? stdout.read(Math.min(stdout.readableLength, length - filled)) : null;
      if (chunk) {
        bytes.set(chunk, filled);
        filled += chunk.length;
        continue;
      }
      if (stdout.readableEnded || stdout.destroyed) throw await this.#died(path);
      await this.#readable(path, ms, signal);
    }
    return bytes;
  }

  #readable(path: string, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { stdout } = this.#child;
    return new Promise<void>((resolve, reject) => {
      const settle = (error?: unknown) => {
        clearTimeout(timer);
        for (const event of ['readable', 'end', 'close'] as const) stdout.off(event, done);
        signal?.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const done = () => settle();
      const abort = () => settle(signal!.reason);
      const timer = setTimeout(() => settle(new StaveError('LIMIT', { what: `decoding ${path} takes too long`, why: 'the time limit (limits.timeout) is used up', fix: 'raise it, or convert the file first' })), Math.min(Math.max(0, ms), longestTimer));
      for (const event of ['readable', 'end', 'close'] as const) stdout.on(event, done);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      stdout.read(0);
    });
  }

  async #died(path: string): Promise<StaveError> {
    if (this.#exit === undefined) await new Promise((resolve) => { this.#child.once('exit', resolve); setTimeout(resolve, 1000).unref(); });
    const last = this.#stderr.trim().split('\n').findLast((line) => /error|fatal/i.test(line));
    return new StaveError('VIDEO_UNREADABLE', {
      what: `${path} cannot be decoded`, why: `the decoding process died on it: ${this.#exit ?? 'its output ended'}${last ? ` (${last})` : ''}`,
      fix: 'the file is damaged or hostile; convert it elsewhere first if you trust it',
    });
  }

  /** Whether the child keeps this process alive. */
  #hold(yes: boolean): void {
    for (const handle of [this.#child, this.#child.stdin, this.#child.stdout, this.#child.stderr] as unknown as { ref(): void; unref(): void }[]) {
      if (yes) handle.ref();
      else handle.unref();
    }
  }
}

const idle = new Set<DecodingProcess>();

/** Starts a decoding process ahead of the first job, so that it gets ready while other things load. */
export function warmUp(): void {
  if (idle.size === 0) new DecodingProcess().rest();
}

function obtain(): DecodingProcess {
  for (const decoder of idle) {
    idle.delete(decoder);
    if (!decoder.usable) continue;
    decoder.wake();
    return decoder;
  }
  return new DecodingProcess();
}

/** Does a job in a process of its own. Messages come as fast as they are taken: one not yet asked for waits in the pipe.
 * Leaving early, an abort and the time limit kill the process. */
export async function* runIsolated(job: Job, signal: AbortSignal | undefined): AsyncGenerator<Message> {
  signal?.throwIfAborted();
  const decoder = obtain();
  let finished = false;
  try {
    decoder.ask(job);
    let left = job.limits.timeout * 1000;
    for (;;) {
      signal?.throwIfAborted();
      const asked = performance.now();
      const message = await decoder.reply(job.path, left, signal);
      left -= performance.now() - asked;
      finished = message.type === 'done' || message.type === 'error';
      if (message.type === 'error') throw new StaveError(message.code, message);
      yield message;
      if (finished) return;
    }
  } finally {
    if (finished) decoder.rest();
    else decoder.kill();
  }
}
