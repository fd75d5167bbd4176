/** What `stave eval`, `stave eval --list` and `stave eval check` print. */
import { wilson, type DataCheck, type EvalResult, type Listed, type TaskCheck } from '../eval/index.ts';
import { columns } from './columns.ts';

/** A block per benchmark. */
export function benchmarkList(listed: readonly Listed[]): string {
  return listed.map(({ name, tasks, metric, questions, folder, files, hub, published }) => [
    `${name}: ${questions === null ? 'as many questions as its files have' : `${questions} questions`}${tasks.length > 1 ? ` in ${tasks.length} tasks` : ''}, ${metric}`,
    `  data   ROOT/${folder}/${hub === null ? '' : `, or the Hub's cache below ROOT (${hub})`}`,
    ...files.map((file) => `         ${file}`),
    publishedTable(name, published),
  ].join('\n')).join('\n');
}

/** With one digit behind the point or two, as it was published. */
function digits(percent: number | undefined): string {
  return percent === undefined ? '–' : percent.toFixed(Math.abs(percent * 10 - Math.round(percent * 10)) < 1e-6 ? 1 : 2);
}

/** A line per model, a column per task. */
function publishedTable(benchmark: string, published: Listed['published']): string {
  const tasks = Object.keys(published);
  if (tasks.length === 0) return '';
  const models = [...new Set(tasks.flatMap((task) => Object.keys(published[task])))];
  const short = (task: string) => (task.startsWith(`${benchmark}_`) ? task.slice(benchmark.length + 1) : task);
  return columns([['  published, %', ...tasks.map(short)], ...models.map((model) => [`    ${model}`, ...tasks.map((task) => digits(published[task][model]))])]);
}

/** How many of a list are shown. */
const SHOWN = 5;

function some(title: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  return [`  ${items.length} ${title}:`, ...items.slice(0, SHOWN).map((item) => `    ${item.replaceAll('\n', '\n      ')}`), ...(items.length > SHOWN ? [`    and ${items.length - SHOWN} more (--json shows all)`] : [])];
}

function taskLines({ task, rows, videos, errors, missing, unseen, unreadable, archived, notShown }: TaskCheck): string[] {
  const bad = errors.length + missing.length + unreadable.length;
  return [
    `${bad > 0 ? 'BAD' : unseen.videos.length > 0 ? '?  ' : 'ok '}  ${task}: ${rows} rows, ${videos} videos`,
    ...some('not valid', errors),
    ...some('missing', missing),
    ...some('can\'t be read', unreadable.map(({ video, why }) => `${video}: ${why}`)),
    ...some(`may lie in archives within archives (${unseen.archives.join(', ')}), which the first run unpacks`, unseen.videos),
    ...(archived > 0 ? [`  ${archived} are still in archives, which the first run unpacks`] : []),
    ...(notShown > 0 ? [`  ${notShown} are not shown under this protocol: their questions are asked without a video`] : []),
  ];
}

export function checkReport({ tasks, unexpected }: DataCheck): string {
  return [...tasks.flatMap(taskLines), ...some('videos that no question names', unexpected)].map((line) => `${line}\n`).join('');
}

const DECIDED = ', decided';

/** A line per task, then groups; with Wilson's 95 % interval of so many questions. What is not counted, or counted for want of a judge, is said beside. */
export function resultTable({ protocol, tasks, groups }: EvalResult): string {
  const rows = tasks.map(({ task, mode, percent, counted, right, undecidable = 0, judged, unmatched, skipped, without_video }) => {
    const notes = [undecidable > 0 && `${undecidable} with free answers left out`, judged !== undefined && `${judged.decided} decided by the judge`, unmatched > 0 && `${unmatched} unmatched`, skipped > 0 && `${skipped} skipped`, without_video > 0 && `${without_video} without video`].filter((note) => note !== false);
    return [`${task}${mode === 'decide' ? DECIDED : ''}`, counted === 0 ? '–' : percent.toFixed(1), counted === 0 ? '' : wilson(right, counted).map((end) => end.toFixed(1)).join('–'), `${right}/${counted}`, notes.join(', ')];
  });
  const means = groups.map(({ group, mode, mean, right, counted }) => [`${group} (mean)${mode === 'decide' ? DECIDED : ''}`, mean.toFixed(1), '', `${right}/${counted}`, '']);
  const all = [[`task (${protocol})`, '%', '95 % interval', 'right', ''], ...rows, ...means];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column].length)));
  return all.map(([task, ...cells]) => `${task.padEnd(widths[0])}  ${cells.map((cell, i) => (i === 3 ? cell : cell.padStart(widths[i + 1]))).join('  ')}`.trimEnd()).join('\n').concat('\n');
}
