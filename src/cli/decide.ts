import { StaveError } from '../errors.ts';
import type { Choices, DecideOptions, Decision, VideoModel } from '../generate/index.ts';
import { percent } from '../pages/percent.ts';
import { adapterOption, askedFile, askOptions, frameOptions, modelOption, textOptions } from './ask-options.ts';
import { choice, string, type Command, type Io, type Option, type Values } from './command.ts';
import { decisionFooter } from './footer.ts';
import { deviceOption, loadModel, weightsOption } from './load-model.ts';

const { system, scope, 'time-rounding': timeRounding, threads: threadsOption } = textOptions;

/** How choices are weighed; ask has them too. */
export const weighing: Record<string, Option> = {
  normalize: { type: 'string', value: 'sum|mean', help: 'weigh a choice by the probability of its whole answer (sum, default) or of its tokens on average (mean)' },
  'open-ended': { type: 'boolean', help: 'a choice stands for all answers that begin so, not for this answer alone' },
};

export const decide: Command = {
  name: 'decide',
  summary: 'Decide between given answers: how likely the model is to give each',
  args: [{ name: 'VIDEO', help: 'a video file, or a picture' }],
  options: {
    ...modelOption,
    ...adapterOption,
    ...weightsOption,
    ...deviceOption,
    choice: { type: 'string', short: 'c', value: 'A,B,…', help: 'the answers to decide between, with commas between (or | where answers hold commas)' },
    'yes-no': { type: 'boolean', help: 'decide between yes and no' },
    score: { type: 'string', value: 'N..M', help: 'decide between numbers, 1..5 or 1,2,5, and give their mean by probability' },
    question: { type: 'string', short: 'q', value: 'TEXT', help: 'the question (default: what happens in the video, with the choices listed)' },
    ...weighing,
    temperature: { type: 'string', value: 'T', help: 'over 1: more cautious probabilities, under 1: surer ones (default 1)' },
    json: { type: 'boolean', help: 'print the decision with everything that led to it, as one line of JSON' },
    ...frameOptions,
    system, scope, 'time-rounding': timeRounding, threads: threadsOption,
  },
  examples: [
    'stave decide clip.mp4 --choice "open,close,push"',
    'stave decide clip.mp4 --yes-no --question "Does the shape turn clockwise?"',
    'stave decide clip.mp4 --score 1..5 --question "How fast does it move, from 1 to 5?" --json',
  ],
  async run([video], values, io) {
    const choices = choicesOf(values);
    const question = string(values, 'question') ?? defaultQuestion(choices);
    if (question.trim() === '') throw new StaveError('USAGE', { what: 'the question is empty', fix: 'stave decide clip.mp4 --choice "open,close" --question "What is done to the door?"' });
    const options = decideOptions(values, io.signal);
    await using model = await loadModel(values, io, { reuse: 0 }); // nothing comes after it
    await decideOne(model, video, question, choices, values, options, io);
  },
};

/** The library's options from the command line's. @throws USAGE */
export function decideOptions(values: Values, signal: AbortSignal): DecideOptions {
  const { max_new_tokens: _n, do_sample: _d, top_k: _k, top_p: _p, min_p: _m, repetition_penalty: _r, presence_penalty: _q, seed: _s, ...options } = askOptions(values, signal);
  const normalize = choice(values, 'normalize', ['sum', 'mean']);
  return { ...options, ...(normalize && { normalize }), ...(values['open-ended'] ? { end_of_turn: false } : {}) };
}

export async function decideOne(model: VideoModel, video: string, question: string, choices: Choices, values: Values, options: DecideOptions, { stdout, stderr }: Io): Promise<void> {
  const decision = await model.decide(await askedFile(video, options), question, choices, options);
  if (values.json) {
    stdout.write(`${JSON.stringify({ video, question, ...decision })}\n`);
    return;
  }
  stdout.write(table(decision));
  stderr.write(`${decisionFooter(decision)}\n`);
}

/** What stands between commas; between bars, if there are any. */
export function splitChoices(text: string): string[] {
  return text.split(text.includes('|') ? '|' : ',').map((part) => part.trim());
}

function choicesOf(values: Values): Choices {
  const given = ['choice', 'yes-no', 'score'].filter((name) => values[name] !== undefined);
  if (given.length !== 1) throw new StaveError('USAGE', { what: given.length === 0 ? 'there are no choices' : `--${given[0]} and --${given[1]} cannot go together`, fix: 'give one of --choice "open,close", --yes-no, --score 1..5' });
  if (values['yes-no']) {
    needsQuestion(values, 'yes-no');
    return 'yes/no';
  }
  const text = string(values, 'choice');
  if (text !== undefined) return splitChoices(text);
  needsQuestion(values, 'score');
  return numbers(string(values, 'score')!);
}

function needsQuestion(values: Values, name: string): void {
  if (values.question === undefined) throw new StaveError('USAGE', { what: `--${name} needs a question`, fix: `for example --${name}${name === 'score' ? ' 1..5' : ''} --question "${name === 'score' ? 'How fast is it, from 1 to 5?' : 'Does it turn?'}"` });
}

/** `1..5` or `1,2,5`. */
function numbers(text: string): number[] {
  const [, from, to] = /^(-?\d+)\.\.(-?\d+)$/.exec(text.trim())?.map(Number) ?? [];
  if (to - from >= 1 && to - from < 1000) return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const list = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (list.length < 2 || !list.every(Number.isFinite)) throw new StaveError('USAGE', { what: `--score must be a range of whole numbers, or numbers with commas between, got "${text}"`, fix: 'for example --score 1..5' });
  return list;
}

const defaultQuestion = (choices: Choices): string => `What happens in this video? Answer with one of: ${(choices as string[]).join(', ')}.`;

/** The likeliest first. */
function table({ choices, score }: Decision): string {
  const rows = choices.toSorted((a, b) => b.probability - a.probability).map(({ choice, probability }) => [percent(probability), choice]);
  return [...rows, ...(score === null ? [] : [['score', String(Number(score.toFixed(3)))]])].map(([left, right]) => `${left.padStart(7)}  ${right}\n`).join('');
}
