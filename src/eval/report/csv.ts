/** The report's numbers and answers as tables for other programs (RFC 4180). */
import type { Report } from './collect.ts';

/** A line per run, task and category. */
export function resultsCsv({ runs, tasks }: Report): string {
  const lines = tasks.flatMap(({ label, results }) => results.flatMap((result, i) => (result === null ? [] : [
    [runs[i].name, runs[i].model.name, label, '', '', result.right, result.counted, result.percent, result.unmatched, result.skipped, result.without_video],
    ...Object.entries(result.categories).flatMap(([kind, names]) => Object.entries(names).map(([name, { right, counted, percent }]) => [runs[i].name, runs[i].model.name, label, kind, name, right, counted, percent, '', '', ''])),
  ])));
  return csv([['run', 'model', 'task', 'category', 'name', 'right', 'counted', 'percent', 'unmatched', 'skipped', 'without_video'], ...lines]);
}

/** A line per run and question. */
export function samplesCsv({ runs, questions }: Report): string {
  const lines = questions.flatMap(({ label, id, prompt, target, answers }) => answers.flatMap((answer, i) => (answer === null ? [] : [
    [runs[i].name, label, id, prompt, target, answer.answer, answer.score, answer.counted, answer.unmatched, answer.decision?.mass ?? '', answer.seen.map(({ video }) => video).join(' ')],
  ])));
  return csv([['run', 'task', 'id', 'prompt', 'target', 'answer', 'score', 'counted', 'unmatched', 'mass', 'videos'], ...lines]);
}

type Cell = string | number | boolean;

const csv = (rows: readonly (readonly Cell[])[]): string => rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');

/** Quoted where it has to be. A text that a spreadsheet would take for a formula gets an apostrophe before it: answers come from models, and may say `=HYPERLINK(…)`. */
function cell(value: Cell): string {
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
