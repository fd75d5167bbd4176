/** A judge's replies, kept in the run's folder: a line of JSON each, under the hash of all that it was asked with. A verdict is paid for once. */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { StaveError } from '../../errors.ts';
import { makeFolder } from '../../files/folder.ts';
import { JsonLines, readLines } from '../../files/json-lines.ts';
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
  readonly #file: JsonLines;
  readonly #lock: Lock;

  private constructor(file: JsonLines, lock: Lock, known: Map<string, string>) {
    this.#file = file;
    this.#lock = lock;
    this.#known = known;
  }

  /** @throws DATA for a damaged line; IO, also while another process asks a judge for the folder */
  static async open(file: string): Promise<Replies> {
    const folder = dirname(file);
    await makeFolder(folder).catch((cause: unknown) => { throw writeError(folder, cause); });
    const lock = await takeLock(`${file}.lock`, (who) => new StaveError('IO', { what: `another run asks a judge and writes ${file}`, why: who, fix: 'wait for its end' }));
    try {
      const known = new Map((await readLines(file)).map((line, i) => readLine(line, `${file}:${i + 1}`)));
      return new Replies(await JsonLines.open(file), lock, known);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get(key: string): string | undefined {
    return this.#known.get(key);
  }

  /** On disk when this resolves. After one that failed nothing is kept any more. @param about for who reads the file  @throws IO */
  async keep(key: string, reply: string, about: object): Promise<void> {
    await this.#file.append({ key, ...about, reply });
    this.#known.set(key, reply);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#lock;
    await this.#file.close();
  }
}

function readLine(text: string, at: string): [key: string, reply: string] {
  try {
    const { key, reply } = JSON.parse(text) as { key?: unknown; reply?: unknown };
    if (typeof key === 'string' && typeof reply === 'string') return [key, reply];
  } catch { /* said below */ }
  throw new StaveError('DATA', { what: `${at} is no reply of a judge`, fix: 'take the line out: the judge is asked again then' });
}
