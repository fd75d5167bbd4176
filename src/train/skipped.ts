/** Rows of data files that turned out not to be usable while the run went on: told, written down, and too many end the run. */
import { rm } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import { JsonLines, readLines } from '../files/json-lines.ts';
import { writeError, writeWhole } from '../files/write.ts';
import type { BadRow } from './batch.ts';

type SkippedLine = { step: number } & BadRow;

type Limits = { /** Of each data file. */ rows: ReadonlyMap<string, number>; /** Largest part of them that may be left out. */ max_bad: number };

/** skipped.jsonl of a run: a line for each row the first time that it was left out; no file while there is none. */
export class SkippedFile {
  readonly file: string;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #max_bad: number;
  readonly #lines: SkippedLine[];
  #open: Promise<JsonLines> | undefined;

  private constructor(file: string, { rows, max_bad }: Limits, lines: SkippedLine[]) {
    this.file = file;
    this.#rows = rows;
    this.#max_bad = max_bad;
    this.#lines = lines;
  }

  /** Keeps what came up to `step` (0: nothing). @throws DATA for a damaged line, IO */
  static async open(file: string, limits: Limits, step: number): Promise<SkippedFile> {
    const before = step === 0 ? [] : (await readLines(file)).map((line, i) => readLine(line, `${file}:${i + 1}`));
    const kept = before.filter((line) => line.step <= step);
    if (kept.length > 0) await writeWhole(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    else await rm(file, { force: true }).catch((cause: unknown) => { throw writeError(file, cause); });
    return new SkippedFile(file, limits, kept);
  }

  get count(): number {
    return this.#lines.length;
  }

  /** Notes a row that was left out. @returns whether it is the first time  @throws TRAIN when too many were; IO */
  async add(step: number, bad: BadRow): Promise<boolean> {
    if (this.#lines.some(({ file, line }) => file === bad.file && line === bad.line)) return false;
    const line = { step, ...bad };
    this.#lines.push(line);
    this.#open ??= JsonLines.open(this.file);
    await (await this.#open).append(line);
    const own = this.#lines.filter(({ file }) => file === bad.file);
    const rows = this.#rows.get(bad.file)!;
    if (own.length <= this.#max_bad * rows) return true;
    throw new StaveError('TRAIN', {
      what: `${own.length} of ${rows} rows of ${bad.file} could not be used, more than data.max_bad (${this.#max_bad}) allows`,
      why: own.slice(-20).map((row) => `line ${row.line}: ${row.why}`).join('\n'),
      fix: 'mend these files and go on with the run; or leave the rows out ("stave data check" makes the list for data.skip), or allow more',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#open?.catch(() => undefined))?.close(); // that it could not be opened was told
  }
}

function readLine(text: string, at: string): SkippedLine {
  try {
    const row = JSON.parse(text) as Partial<SkippedLine>;
    if (typeof row.step === 'number' && typeof row.file === 'string' && typeof row.line === 'number') return row as SkippedLine;
  } catch { /* said below */ }
  throw new StaveError('DATA', { what: `${at} names no row that was left out`, fix: 'take the line out: should its row come again, it is noted again' });
}
