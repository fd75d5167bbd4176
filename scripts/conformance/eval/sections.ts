/** What the checkers of the evaluation files share: a file is sections of cases `{input…, expected}`; `{"error": name}` = the reference throws that, and stave has to refuse. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../../../src/errors.ts';
import type { Draws } from '../../../src/tasks/draws.ts';
import type { TaskQuestion } from '../../../src/tasks/task.ts';
import type { Row } from '../compare.ts';

/** A section's checker. null: the section says something in words, there is nothing to run. */
export type Sections = Record<string, ((section: never, file: Record<string, unknown>) => Row | Promise<Row>) | null>;

/** Checks every section of `dir`/`file`.json: a row each. One without a checker fails. */
export async function checkSections(dir: string, file: string, sections: Sections): Promise<Row[]> {
  const json = JSON.parse(await readFile(join(dir, `${file}.json`), 'utf8')) as Record<string, unknown>;
  const rows: Row[] = [];
  for (const [section, value] of Object.entries(json)) {
    const check = Object.hasOwn(sections, section) ? sections[section] : undefined;
    if (section === 'about' || check === null) continue;
    const name = `${file}/${section}`;
    if (check === undefined) rows.push({ name, ok: false, note: 'no check for this section' });
    else rows.push({ ...(await Promise.resolve().then(() => check(value as never, json)).catch(failed)), name });
  }
  return rows;
}

const failed = (error: Error): Row => ({ name: '', ok: false, note: error.message.split('\n').join('; ') });

/** The video and the text of a question in the harness's form. */
export function videoAndText({ messages }: TaskQuestion): { video: string; text: string } {
  const parts = messages[1].content;
  if (typeof parts === 'string' || parts[0].type !== 'video' || parts[1].type !== 'text') throw new Error('the message is not a video and a text');
  return { video: parts[0].video, text: parts[1].text };
}

/** Compares a list of cases: what `actual` makes of each with its `expected`. @param tolerance of numbers; default: equal */
export function cases<T extends { expected: unknown }>(rows: readonly T[], actual: (row: T) => unknown, { expected = (row: T) => row.expected as unknown, tolerance = 0 } = {}): Row {
  for (const [i, row] of rows.entries()) {
    const found = difference(attempt(() => actual(row)), expected(row), tolerance);
    if (found) return { name: '', ok: false, note: `case ${i}: ${found}; input ${short({ ...row, expected: undefined })}` };
  }
  return { name: '', ok: true, note: `${rows.length} ${rows.length === 1 ? 'case' : 'cases'}` };
}

/** One value. */
export function equal(actual: unknown, expected: unknown): Row {
  const found = difference(actual, expected);
  return { name: '', ok: found === undefined, ...(found && { note: found }) };
}

const refused = Symbol('refused');

/** What a function gives, or that it refused with an error of ours; any other error is a mistake of stave. */
export function attempt<T>(run: () => T): T | typeof refused {
  try {
    return run();
  } catch (error) {
    if (error instanceof StaveError) return refused;
    throw error;
  }
}

/** The keys that `like` has, for records that hold more than a case says. */
export function only(value: object, like: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.keys(like as object).map((key) => [key, (value as Record<string, unknown>)[key]]));
}

/** Where two values first differ; undefined: nowhere. null is what stave leaves out. */
export function difference(actual: unknown, expected: unknown, tolerance = 0, path = ''): string | undefined {
  const at = path === '' ? '' : `${path}: `;
  if (actual === refused) return isError(expected) ? undefined : `${at}refused, not ${short(expected)}`;
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(expected)) return `${at}${short(actual)}, not ${short(expected)}`;
    if (Array.isArray(expected) && expected.length !== (actual as unknown[]).length) return `${at}${(actual as unknown[]).length} entries, not ${expected.length}: ${short(actual)}, not ${short(expected)}`;
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const found = difference((actual as Record<string, unknown>)[key], (expected as Record<string, unknown>)[key], tolerance, path === '' ? key : `${path}.${key}`);
      if (found) return found;
    }
    return undefined;
  }
  if (typeof actual === 'number' && typeof expected === 'number') return Math.abs(actual - expected) <= tolerance ? undefined : `${at}${actual}, not ${expected}`;
  return (actual ?? null) === (expected ?? null) ? undefined : `${at}${short(actual)}, not ${short(expected)}`;
}

function isError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'error' in value;
}

const short = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 160);

export type RecordedDraw = { op: 'choice'; n: number; index: number } | { op: 'sample'; n: number; k: number; indices: number[] } | { op: 'shuffle'; n: number; order: number[] };

/** The draws that the reference made. A draw of another kind, or among another number of things, is a difference. */
export function recordedDraws(recorded: readonly RecordedDraw[]): Draws & { left(): number } {
  let at = 0;
  const next = <Op extends RecordedDraw['op']>(op: Op, n: number): Extract<RecordedDraw, { op: Op }> => {
    const draw = recorded[at++];
    if (draw?.op !== op || draw.n !== n) throw new Error(`draw ${at - 1} is ${op} of ${n}, in the reference ${short(draw)}`);
    return draw as Extract<RecordedDraw, { op: Op }>;
  };
  return { choice: (n) => next('choice', n).index, sample: (n) => next('sample', n).indices, shuffle: (n) => next('shuffle', n).order, left: () => recorded.length - at };
}
