/** A data file as a whole: every row read once, what is wrong told all at once, and where the good rows stand. */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { whyUnread } from '../files/look.ts';
import { filesOf, type Dialogue, type Problem } from './dialogue.ts';
import { readRow, type Form } from './forms.ts';
import { show } from './media-fields.ts';
import { findRows, rowHash, rowTable, type FoundRow, type RowTable } from './rows.ts';

/** Something wrong, and in which line. */
export type LineProblem = Problem & { line: number };

/** A row with its line. dialogue: absent where something is wrong. */
export type DataRow = FoundRow & { form: Form | undefined; dialogue?: Dialogue; problems: Problem[]; ignored: string[] };

export type DataFileOptions = {
  /** Folder that relative paths start at. Default: the data file's. */
  media?: string;
  /** A quarantine list, whose rows are left out. */
  skip?: string;
};

/** A file whose rows can all be trained on. */
export type DataFile = { file: string; /** That relative paths start at. */ folder: string; /** The rows that are used. */ table: RowTable; /** Rows left out by the quarantine list. */ skipped: number; forms: Partial<Record<Form, number>>; /** Fields that mean nothing here: in how many rows. */ ignored: Record<string, number> };

/** Reads row after row; looks whether files are there, not into them. @throws IO; DATA for a file that holds no rows at all */
export async function* readData(file: string, { media, skip }: DataFileOptions = {}): AsyncGenerator<DataRow & { quarantined: boolean }> {
  const folder = resolve(media ?? dirname(file));
  const quarantine = skip === undefined ? new Set<string>() : await readQuarantine(skip);
  const known = new Map<string, string | null>();
  const problemAt = (path: string): string | null => {
    if (!known.has(path)) known.set(path, whyNoFile(path));
    return known.get(path)!;
  };
  for await (const row of findRows(file)) {
    if (quarantine.size > 0 && quarantine.has(rowHash(row.text))) {
      yield { ...row, form: undefined, problems: [], ignored: [], quarantined: true };
      continue;
    }
    const { dialogue, ...read } = readRow(row.text, folder);
    const missing = [...new Set(dialogue?.media.flatMap(filesOf))].flatMap((path) => problemAt(path) ?? []);
    for (const what of missing) read.problems.push({ kind: 'missing', what });
    yield { ...row, ...read, ...(missing.length === 0 && { dialogue }), quarantined: false };
  }
}

/** null: a file is there. Whatever a row names, it is told as the row's fault. */
function whyNoFile(path: string): string | null {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ? null : `there is no file ${path}`;
  } catch (error) {
    return `cannot look for ${show(path)}: ${(error as NodeJS.ErrnoException).code}`;
  }
}

/** @throws IO; DATA listing what is wrong, line by line, or when there is no row */
export async function openData(file: string, options: DataFileOptions = {}): Promise<DataFile> {
  const problems: LineProblem[] = [];
  const good: Omit<FoundRow, 'text'>[] = [];
  const found: Pick<DataFile, 'skipped' | 'forms' | 'ignored'> = { skipped: 0, forms: {}, ignored: {} };
  let rows = 0, bad = 0;
  for await (const { line, start, end, form, problems: wrong, ignored, quarantined } of readData(file, options)) {
    rows++;
    if (quarantined) found.skipped++;
    else if (wrong.length === 0) good.push({ line, start, end });
    if (form !== undefined) found.forms[form] = (found.forms[form] ?? 0) + 1;
    for (const name of ignored) found.ignored[name] = (found.ignored[name] ?? 0) + 1;
    for (const problem of wrong) problems.push({ line, ...problem });
    if (wrong.length > 0) bad++;
  }
  if (problems.length > 0) throw new StaveError('DATA', { what: `${file}: ${bad} of ${rows} rows cannot be trained on`, why: listProblems(problems), fix: `mend them, or leave them out: "stave data check ${file} --out quarantine.jsonl" writes the list for data.skip` });
  if (good.length === 0) throw new StaveError('DATA', { what: `${file} has no row to train on`, why: rows === 0 ? 'it is empty' : 'the quarantine list names them all', fix: 'give a file of conversations' });
  return { file, folder: resolve(options.media ?? dirname(file)), table: rowTable(file, good), ...found };
}

/** Problems shown in an error; `stave data check` lists them all. */
const MOST = 40;

export function listProblems(problems: readonly LineProblem[], most = MOST): string {
  const lines = problems.slice(0, most).map(({ line, what }) => `line ${line}: ${what}`);
  return [...lines, ...(problems.length > most ? [`and ${problems.length - most} more`] : [])].join('\n');
}

/** A line of a quarantine list: it knows the row by its text, so that it holds when others are added or removed. */
export type QuarantineLine = { line: number; row: string; problems: Problem[] };

/** The rows' hashes. @throws IO; DATA naming the line */
async function readQuarantine(file: string): Promise<Set<string>> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read the quarantine list ${file}`, why: whyUnread(cause), fix: 'check the path', cause });
  });
  const rows = text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const row = rowOf(line);
    if (row === undefined) throw new StaveError('DATA', { what: `${file}:${i + 1} is no line of a quarantine list`, fix: 'make one with "stave data check DATA --out FILE"' });
    return [row];
  });
  return new Set(rows);
}

function rowOf(line: string): string | undefined {
  try {
    const { row } = JSON.parse(line) as { row?: unknown };
    return typeof row === 'string' ? row : undefined;
  } catch {
    return undefined;
  }
}
