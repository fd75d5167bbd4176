/** MVBench (arXiv:2311.17005): multiple choice about twenty temporal skills. Reference: lmms_eval/tasks/mvbench/utils.py */
import { chosenOption, lettered } from '../choice.ts';
import { letterChoices } from '../deciding.ts';
import { lmmsMessages } from '../lmms/messages.ts';
import { choiceSettings } from '../lmms/settings.ts';
import { strip } from '../python/text.ts';
import { summarise } from '../results.ts';
import { readRows } from '../rows.ts';
import type { Protocol, Task, Verdict } from '../task.ts';
import { parseAnswer } from './parser.ts';
import { mvbenchFolders, type MvbenchTask } from './tasks.ts';

/** answer: the text of one of the candidates. */
export type MvbenchRow = { video: string; question: string; candidates: string[]; answer: string };

export const mvbenchData = { dataset: 'OpenGVLab/MVBench', revision: 'video', split: 'train', folder: 'mvbench_video', annotations: (task: MvbenchTask) => `json/${task}.json` } as const;

const metric = 'mvbench_accuracy';

export function mvbench(task: MvbenchTask, protocol: Protocol = 'paper'): Task<MvbenchRow> {
  const name = `mvbench_${task}`;
  return {
    name, group: 'mvbench', protocol, metric,
    settings: choiceSettings,
    read: (rows) => readRows(name, rows, (row) => {
      const read = { video: row.file('video'), question: row.text('question'), candidates: row.texts('candidates'), answer: row.text('answer') };
      if (read.candidates.length > 26) row.refuse('candidates', 'there are letters for 26 at most');
      if (!read.candidates.includes(read.answer)) row.refuse('answer', `it is none of the candidates ${read.candidates.map((text) => JSON.stringify(text)).join(', ')}`);
      return read;
    }),
    ask: (row) => ({ messages: lmmsMessages(`${mvbenchData.folder}/${mvbenchFolders[task]}/${row.video}`, mvbenchPrompt(row)), options: lettered(row.candidates), target: row.answer }),
    score: (row, answer) => (protocol === 'strict' ? scoreByChoice(row, answer) : scoreByParser(row, answer)),
    deciding: { choices: ({ candidates }) => letterChoices(lettered(candidates)), score: scoreByChoice },
    result: (verdicts) => summarise({ name, protocol, metric }, verdicts),
  };
}

/** No space after `Question:`, `Option` in the singular, a new line at the end. */
export function mvbenchPrompt({ question, candidates }: Pick<MvbenchRow, 'question' | 'candidates'>): string {
  const options = lettered(candidates).map(({ letter, text }) => `(${letter}) ${text}\n`);
  return `Question:${question}\nOption:\n${options.join('')}Only give the best option.\n`;
}

/** The letter of the first candidate that is the answer. */
export function rightLetter({ candidates, answer }: Pick<MvbenchRow, 'candidates' | 'answer'>): string {
  return lettered(candidates).find(({ text }) => text === answer)!.letter;
}

/** Whether two answers come to the same by the reference's parser; the right letter goes through it too. */
export function sameAnswer(right: string, answer: string): 0 | 1 {
  return parseAnswer(right).compared === parseAnswer(answer).compared ? 1 : 0;
}

/** An empty answer is not counted. */
function scoreByParser(row: MvbenchRow, output: string): Verdict {
  const pred_answer = strip(output), gt_answer = rightLetter(row);
  const score = sameAnswer(gt_answer, pred_answer);
  return { score, counted: pred_answer !== '', chosen: parseAnswer(pred_answer).letter ?? '', record: { pred_answer, gt_answer, score } };
}

/** The letter or the text of the right candidate counts, and every question does. */
function scoreByChoice(row: MvbenchRow, output: string): Verdict {
  const chosen = chosenOption(output, lettered(row.candidates));
  const score = chosen?.text === row.answer ? 1 : 0;
  return { score, counted: true, chosen: chosen?.letter ?? '', record: { pred_answer: strip(output), gt_answer: rightLetter(row), score } };
}
