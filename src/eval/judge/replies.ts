/** A judge's replies, kept in the run's folder: a line of JSON each, under the hash of all that it was asked with. A verdict is paid for once. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StaveError } from '../../errors.ts';
import { takeLock, type Lock } from '../../files/lock.ts';
import { writeError } from '../../files/write.ts';
import type { JudgeRequest } from '../../tasks/index.ts';
import type { JudgeName } from './judge.ts';

export const repliesFile = 'judge.jsonl';

/** Of judge, model, messages, settings, and how often the same was asked before. */
export function replyKey(judge: JudgeName, { model, messages, settings }: JudgeRequest, attempt: number): string {
  return createHash('sha256').update(JSON.stringify([judge, model, messages, settings, attempt])).digest('hex');
}

export class Replies {
  readonly #known: Map<string, string>;
  readonly #handle: FileHandle;
  readonly #file: string;
  readonly #lock: Lock;
  #last: Promise<void> = Promise.resolve();

  private constructor(file: string, handle: FileHandle, lock: Lock, known: Map<string, string>) {
    this.#file = file;
    this.#handle = handle;
    this.#lock = lock;
    this.#known = known;
  }

  /** @throws USAGE while another process asks a judge for the folder, DATA for a damaged line, IO */
  static async open(file: string): Promise<Replies> {
    await mkdir(dirname(file), { recursive: true }).catch((cause: unknown) => { throw writeError(file, cause); });
    const lock = await takeLock(`${file}.lock`, (who) => new StaveError('USAGE', { what: `another run asks a judge and writes ${file}`, why: who, fix: 'wait for its end' }));
    try {
      const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return Buffer.alloc(0);
        throw new StaveError('IO', { what: `cannot read ${file}`, why: cause.message, fix: 'check that the file may be read', cause });
      });
      const whole = bytes.lastIndexOf(10) + 1; // what follows is a line that a crash cut short
      const known = new Map(bytes.subarray(0, whole).toString().split('\n').slice(0, -1).map((line, i) => readLine(line, `${file}:${i + 1}`)));
      const handle = await open(file, 'a').catch((cause: unknown) => { throw writeError(file, cause); });
      await truncate(file, whole);
      return new Replies(file, handle, lock, known);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get(key: string): string | undefined {
    return this.#known.get(key);
  }

  /** On disk when this resolves. @param about for who reads the file  @throws IO */
  keep(key: string, reply: string, about: object): Promise<void> {
    this.#known.set(key, reply);
    const written = this.#last.then(async () => {
      await this.#handle.appendFile(`${JSON.stringify({ key, ...about, reply })}\n`);
      await this.#handle.datasync();
    }).catch((cause: unknown) => { throw writeError(this.#file, cause); });
    this.#last = written.catch(() => {});
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#handle.close();
    await this.#lock.release();
  }
}

function readLine(text: string, at: string): [key: string, reply: string] {
  try {
    const { key, reply } = JSON.parse(text) as { key?: unknown; reply?: unknown };
    if (typeof key === 'string' && typeof reply === 'string') return [key, reply];
  } catch { /* said below */ }
  throw new StaveError('DATA', { what: `${at} is no reply of a judge`, fix: 'take the line out: the judge is asked again then' });
}
