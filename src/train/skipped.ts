/** Rows of data files that turned out not to be usable while the run went on: told, written down, and too many end the run. */
import { appendFile, readFile } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import { writeError, writeWhole } from '../files/write.ts';
import type { BadRow } from './batch.ts';

type SkippedLine = { step: number } & BadRow;

/** skipped.jsonl of a run: a line for each row the first time that it was left out. */
export class SkippedFile {
  readonly file: string;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #max_bad: number;
  #lines: SkippedLine[] = [];

  /** @param rows of each data file  @param max_bad largest part of them that may be left out */
  constructor(file: string, rows: ReadonlyMap<string, number>, max_bad: number) {
    this.file = file;
    this.#rows = rows;
    this.#max_bad = max_bad;
  }

  get count(): number {
    return this.#lines.length;
  }

  /** Keeps what came up to `step` (0: nothing). */
  async truncate(step: number): Promise<void> {
    const text = step === 0 ? '' : await readFile(this.file, 'utf8').catch(() => '');
    this.#lines = text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as SkippedLine).filter((line) => line.step <= step);
    if (step > 0 || this.#lines.length > 0) await writeWhole(this.file, this.#lines.map(asLine).join(''));
  }

  /** Notes a row that was left out. @returns whether it is the first time  @throws TRAIN when too many were; IO */
  async add(step: number, bad: BadRow): Promise<boolean> {
    if (this.#lines.some(({ file, line }) => file === bad.file && line === bad.line)) return false;
    const line = { step, ...bad };
    this.#lines.push(line);
    await appendFile(this.file, asLine(line)).catch((error) => {
      throw writeError(this.file, error);
    });
    const own = this.#lines.filter(({ file }) => file === bad.file);
    const rows = this.#rows.get(bad.file)!;
    if (own.length <= this.#max_bad * rows) return true;
    throw new StaveError('TRAIN', {
      what: `${own.length} of ${rows} rows of ${bad.file} could not be used, more than data.max_bad (${this.#max_bad}) allows`,
      why: own.slice(-20).map((row) => `line ${row.line}: ${row.why}`).join('\n'),
      fix: 'mend these files and go on with the run; or leave the rows out ("stave data check" makes the list for data.skip), or allow more',
    });
  }
}

const asLine = (line: SkippedLine): string => `${JSON.stringify(line)}\n`;
