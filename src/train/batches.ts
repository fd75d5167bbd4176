/** The batches of a run in order: what the data workers make, rows that cannot be used left out and noted. */
import { isBad, type Batch, type BatchId } from './batch.ts';
import type { DataSource } from './data.ts';
import type { SkippedFile } from './skipped.ts';

export class Batches {
  readonly #source: Pick<DataSource, 'next'>;
  readonly #skipped: SkippedFile;
  readonly #log: (line: string) => Promise<void>;

  constructor(source: Pick<DataSource, 'next'>, skipped: SkippedFile, log: (line: string) => Promise<void>) {
    this.#source = source;
    this.#skipped = skipped;
    this.#log = log;
  }

  /** Rows that were left out so far. */
  get skipped(): number {
    return this.#skipped.count;
  }

  /** The batch `id`; undefined where its row cannot be used. @param last where the run ends  @param step that it is for  @throws TRAIN when too many rows were left out */
  async next(id: BatchId, last: number, step: number): Promise<Batch | undefined> {
    const made = await this.#source.next(id, last);
    if (!isBad(made)) return made;
    if (await this.#skipped.add(step, made)) await this.#log(`${made.file}:${made.line} is left out: ${made.why}`);
    return undefined;
  }
}
