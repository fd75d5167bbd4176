/** VITATECS (arXiv:2311.17404): which of two captions fits a video, where the other differs in one temporal aspect. Reference: lmms_eval/tasks/vitatecs/utils.py */
import { chosenOption } from '../choice.ts';
import { letterChoices } from '../deciding.ts';
import { lmmsMessages } from '../lmms/messages.ts';
import { defaultTokens, lmmsSettings } from '../lmms/settings.ts';
import { strip } from '../python/text.ts';
import { dividedFirst, summarise } from '../results.ts';
import { readRows } from '../rows.ts';
import type { OpenVerdict, Protocol, Task, Verdict } from '../task.ts';
import { judgeRating, judgeRequest } from './judge.ts';
import { matchingText, optionsOf } from './options.ts';

/** In the order of the data set; a task each, `vitatecs_<aspect in lower case>`. */
export const aspects = ['Direction', 'Intensity', 'Sequence', 'Compositionality', 'Localization', 'Type'] as const;
export type Aspect = (typeof aspects)[number];

export type VitatecsRow = { src_dataset: 'VATEX' | 'MSRVTT'; video_name: string; caption: string; counterfactual: string; aspect: Aspect };

export const vitatecsData = { dataset: 'lscpku/VITATECS', split: 'test', folder: 'vitatecs' } as const;

/** @param aspect also the name of the data set's configuration */
export function vitatecs(aspect: Aspect, protocol: Protocol = 'paper'): Task<VitatecsRow> {
  const name = `vitatecs_${aspect.toLowerCase()}`;
  return {
    name, group: 'vitatecs', protocol, metric: 'accuracy',
    settings: { ...lmmsSettings, generation: { max_new_tokens: defaultTokens, do_sample: false } },
    read: (rows) => readRows(name, rows, (row) => ({
      src_dataset: row.oneOf('src_dataset', ['VATEX', 'MSRVTT']),
      video_name: row.file('video_name'),
      caption: row.text('caption'),
      counterfactual: row.text('counterfactual'),
      aspect: row.oneOf('aspect', aspects),
    })),
    ask: (row) => ({ messages: lmmsMessages(videoOf(row), vitatecsPrompt(row, protocol)), options: optionsOf(row, protocol).options, target: vitatecsTarget(row, protocol) }),
    score: (row, answer) => (protocol === 'strict' ? scoreByChoice(row, answer) : scoreByRules(row, answer)),
    deciding: { choices: (row) => letterChoices(optionsOf(row, protocol).options), score: (row, letter) => scoreLetter(row, letter, protocol) },
    result: (verdicts) => summarise({ name, protocol, metric: 'accuracy' }, verdicts, { percent: dividedFirst }),
  };
}

const videoOf = ({ src_dataset, video_name }: VitatecsRow): string => `${vitatecsData.folder}/${src_dataset}/${video_name}`;

/** The question without the line that asks for a letter; a space after `video:` and after option A. */
function questionOf(row: VitatecsRow, protocol: Protocol): string {
  const [a, b] = optionsOf(row, protocol).options;
  return `Which of the following best describes the content of the video: \n(A) ${a.text} \n(B) ${b.text}`;
}

export function vitatecsPrompt(row: VitatecsRow, protocol: Protocol = 'paper'): string {
  return `${questionOf(row, protocol)}\nPlease response with a single letter (A or B):`;
}

/** The caption's option with its letter. */
export function vitatecsTarget(row: VitatecsRow, protocol: Protocol = 'paper'): string {
  const { right } = optionsOf(row, protocol);
  return `(${right.letter}) ${right.text}`;
}

/** The rules of the reference in its order: first the texts, also against the letter beside them; then the letter; else the judge. */
function scoreByRules(row: VitatecsRow, output: string): Verdict | OpenVerdict {
  const answer = strip(output);
  const said = answer.toLowerCase();
  const caption = said.includes(matchingText(row.caption)), counterfactual = said.includes(matchingText(row.counterfactual));
  const { letter } = optionsOf(row).right;
  const settled = (rating: 0 | 1, chosen: string): Verdict => ({ score: rating, counted: true, chosen, record: recordOf(row, 'paper', answer, { match_success: true, rating }) });
  if (caption !== counterfactual) return settled(caption ? 1 : 0, 'text');
  const marked = /^(?:([AB])$|([AB])[.)]|\(([AB])\))/.exec(answer);
  if (marked) {
    const chosen = marked[1] ?? marked[2] ?? marked[3];
    return settled(chosen === letter ? 1 : 0, chosen);
  }
  return {
    judge: judgeRequest(questionOf(row, 'paper'), vitatecsTarget(row), answer),
    settle(reply) {
      const rating = reply === undefined ? 0 : judgeRating(strip(reply));
      if (rating === undefined) return undefined;
      return { score: rating, counted: true, chosen: '', record: recordOf(row, 'paper', answer, { match_success: false, rating, chatgpt_response: reply ?? null }) };
    },
  };
}

/** An answer that names no option, or both, is wrong: no judge is asked. */
function scoreByChoice(row: VitatecsRow, output: string): Verdict {
  const { options, right } = optionsOf(row, 'strict');
  const chosen = chosenOption(output, options);
  const rating = chosen === right ? 1 : 0;
  return { score: rating, counted: true, chosen: chosen?.letter ?? '', record: recordOf(row, 'strict', strip(output), { match_success: chosen !== undefined, rating }) };
}

function scoreLetter(row: VitatecsRow, letter: string, protocol: Protocol): Verdict {
  const rating = letter === optionsOf(row, protocol).right.letter ? 1 : 0;
  return { score: rating, counted: true, chosen: letter, record: recordOf(row, protocol, letter, { match_success: true, rating }) };
}

function recordOf(row: VitatecsRow, protocol: Protocol, answer: string, outcome: { match_success: boolean; rating: 0 | 1; chatgpt_response?: string | null }): Verdict['record'] {
  const { src_dataset, video_name: video_id, aspect } = row;
  return { src_dataset, video_id, question: questionOf(row, protocol), 'gt-answer': vitatecsTarget(row, protocol), 'video-llm-prediction': answer, ...outcome, aspect };
}
