/** Video-MME (arXiv:2405.21075): multiple choice about videos of all lengths, without and with subtitles. Reference: lmms_eval/tasks/videomme/utils.py */
import { StaveError } from '../../errors.ts';
import { chosenOption } from '../choice.ts';
import { letterChoices } from '../deciding.ts';
import { lmmsMessages } from '../lmms/messages.ts';
import { choiceSettings } from '../lmms/settings.ts';
import { fixed } from '../python/numbers.ts';
import { strip } from '../python/text.ts';
import { summarise } from '../results.ts';
import { readRows } from '../rows.ts';
import type { ClipFacts, Option, Protocol, Rate, Task, TaskResult, Verdict } from '../task.ts';
import { categories, domains, durations, isUnder, subCategories, taskTypes, type Categories } from './categories.ts';
import { firstCapital } from './letter.ts';
import { subtitleLines } from './subtitles.ts';

/** options: four texts that begin with their letter; answer: a letter. */
export type VideommeRow = Categories & { videoID: string; question_id: string; question: string; options: string[]; answer: string };

export const videommeData = { dataset: 'lmms-lab/Video-MME', split: 'test', folder: 'videomme' } as const;

/** Sampled frames whose subtitles are shown. */
const SUBTITLE_FRAMES = 32;

const metric = 'videomme_perception_score';

/** @param subtitles whether the prompt lists them: the task `videomme_w_subtitle` */
export function videomme({ subtitles = false, protocol = 'paper' }: { subtitles?: boolean; protocol?: Protocol } = {}): Task<VideommeRow> {
  const name = subtitles ? 'videomme_w_subtitle' : 'videomme';
  return {
    name, protocol, metric,
    settings: choiceSettings,
    read: (rows) => readVideomme(name, rows),
    ask: (row, facts) => ({
      messages: lmmsMessages(videoPaths(row)[0], subtitles ? promptWithSubtitles(row, facts, protocol) : promptWithout(row, protocol)),
      options: optionsOf(row),
      target: row.answer,
    }),
    score: (row, answer) => scoreVideomme(row, answer, protocol),
    deciding: { choices: (row) => letterChoices(optionsOf(row)), score: (row, letter) => scoreVideomme(row, letter, 'strict') },
    result: (verdicts) => videommeResult(verdicts, { name, protocol, metric }),
  };
}

function readVideomme(name: string, rows: readonly unknown[]): VideommeRow[] {
  return readRows(name, rows, (row) => {
    const read = {
      duration: row.oneOf('duration', durations), domain: row.oneOf('domain', domains), sub_category: row.oneOf('sub_category', subCategories), task_type: row.oneOf('task_type', taskTypes),
      videoID: row.file('videoID'), question_id: row.text('question_id'), question: row.text('question'), options: row.texts('options'), answer: row.text('answer'),
    };
    if (read.options.length > 4) row.refuse('options', 'there are letters for four, A to D');
    if (!optionsOf(read).some(({ letter }) => letter === read.answer)) row.refuse('answer', `it is no letter of the ${read.options.length} options`);
    return read;
  }, ['question_id', ({ question_id }) => question_id]);
}

/** The options' texts already begin `A. `, `B. `. */
function optionsOf({ options }: Pick<VideommeRow, 'options'>): Option[] {
  return options.map((text, i) => ({ letter: 'ABCD'[i], text: text.replace(/^[A-D]\. ?/, '') }));
}

/** Where a row's video may be, in the order tried. The reference replaces every `mp4` of the path, also inside the video's id. */
export function videoPaths({ videoID }: Pick<VideommeRow, 'videoID'>): string[] {
  const path = `${videommeData.folder}/data/${videoID}.mp4`;
  return [path, path.replaceAll('mp4', 'MP4'), path.replaceAll('mp4', 'mkv')];
}

/** The first of a row's paths that exists. @throws VIDEO_MISSING */
export function findVideo(row: Pick<VideommeRow, 'videoID'>, exists: (path: string) => boolean): string {
  const paths = videoPaths(row);
  const found = paths.find(exists);
  if (found !== undefined) return found;
  throw new StaveError('VIDEO_MISSING', { what: `there is no ${paths.join(', ')}`, fix: 'unpack the data set\'s videos into that folder' });
}

/** Where a row's subtitles are, if it has any. */
export function subtitlePath({ videoID }: Pick<VideommeRow, 'videoID'>): string {
  return `${videommeData.folder}/subtitle/${videoID}.srt`;
}

function instruction(source: string): string {
  return `Select the best answer to the following multiple-choice question based on ${source}. Respond with only the letter (A, B, C, or D) of the correct option.`;
}

const withBoth = instruction('the video and the subtitles');

/** `paper`: speaks of subtitles though there are none; an empty line before the last. */
function promptWithout({ question, options }: VideommeRow, protocol: Protocol): string {
  const first = protocol === 'strict' ? instruction('the video') : withBoth;
  return [first, question, ...options, '', "Answer with the option's letter from the given choices directly."].join('\n');
}

/** Without a subtitle file it says so; with one of which no cue is chosen, the line is empty. @throws DATA for a file that can't be read */
function promptWithSubtitles(row: VideommeRow, facts: ClipFacts | undefined, protocol: Protocol): string {
  const lines = facts?.subtitles === undefined ? 'No subtitles available' : subtitleLines(facts.subtitles, facts, SUBTITLE_FRAMES, protocol, subtitlePath(row)).join('\n');
  return ["This video's subtitles are listed below: ", lines, withBoth, row.question, ...row.options, 'The best answer is:'].join('\n');
}

/** What of a row its score needs. */
export type ScoredRow = Categories & Pick<VideommeRow, 'question_id' | 'answer'> & Partial<Pick<VideommeRow, 'options'>>;

/** An answer without a letter is wrong. */
export function scoreVideomme(row: ScoredRow, output: string, protocol: Protocol = 'paper'): Verdict {
  const chosen = protocol === 'strict' ? (chosenOption(output, optionsOf({ options: row.options ?? ['', '', '', ''] }))?.letter ?? '') : firstCapital(strip(output));
  const { question_id, duration, domain, sub_category, task_type, answer } = row;
  const record = { question_id, duration, category: domain, sub_category, task_category: task_type, pred_answer: chosen, answer };
  return { score: chosen === answer ? 1 : 0, counted: true, chosen, categories: { duration, domain, sub_category, task_type }, record };
}

/** Over all questions and per duration, domain, sub-category and task type. @throws DATA for a question under a name that the data set doesn't have */
export function videommeResult(verdicts: readonly Verdict[], task: { name: string; protocol: Protocol; metric: string }): TaskResult {
  for (const { categories: own, record } of verdicts)
    for (const [kind, names] of Object.entries(categories)) {
      if ((names as readonly unknown[]).includes(own?.[kind])) continue;
      throw new StaveError('DATA', {
        what: `${task.name}, question ${record.question_id}: "${kind}" is ${JSON.stringify(own?.[kind])}`,
        why: `one of ${names.join(', ')} is needed`,
        fix: 'score it from a row of the data set',
      });
    }
  if (task.protocol === 'strict') return summarise(task, verdicts, { categories });
  return summarise(task, verdicts, { categories, belongs: (verdict, _kind, name) => isUnder(name, verdict.categories as Categories) });
}

/** The lines the reference prints; its number format leaves a space before the number. */
export function printedLines({ categories: counted, percent }: Pick<TaskResult, 'categories' | 'percent'>): string[] {
  const titles = { duration: 'video Type', domain: 'Categories', sub_category: 'Video Sub Categories', task_type: 'Task Categories' };
  const lines = Object.entries(titles).flatMap(([kind, title]) => Object.entries(counted[kind]).map(([name, rate]: [string, Rate]) => `Evaluation on ${title}: ${name}:  ${fixed(rate.percent, 1)}%`));
  return [...lines, `Overall Performance:  ${fixed(percent, 1)}%`];
}
