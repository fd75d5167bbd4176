/** What `stave eval --list` and `stave eval check` print. */
import type { DataCheck, Listed, TaskCheck } from '../eval/index.ts';

/** A block per benchmark. */
export function benchmarkList(listed: readonly Listed[]): string {
  return listed.map(({ name, tasks, metric, questions, folder, files, hub, published }) => [
    `${name}: ${questions === null ? 'as many questions as its files have' : `${questions} questions`}${tasks.length > 1 ? ` in ${tasks.length} tasks` : ''}, ${metric}`,
    `  data   ROOT/${folder}/${hub === null ? '' : `, or the Hub's cache below ROOT (${hub})`}`,
    ...files.map((file) => `         ${file}`),
    ...Object.entries(published).map(([task, numbers]) => `  ${task === name ? 'published' : `published, ${task}`}: ${Object.entries(numbers).map(([model, percent]) => `${model} ${percent}`).join('; ')}`),
    '',
  ].join('\n')).join('\n');
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
