/** Whether an answer that is there was made as this run's would be. */
import { basename, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import type { AnswerResult } from './answer.ts';
import type { Decision } from './decide/decide.ts';
import type { ModelInfo } from './model-files.ts';

/** All that decides an answer, besides the question and what it is about. */
export type Made = Pick<AnswerResult, 'model' | 'sampling' | 'system' | 'temporal_scope' | 'time_rounding'>;

type Fields = Record<string, unknown>;

/** And a decision. */
type Weighed = Pick<Decision, 'choices' | 'normalize' | 'temperature' | 'end_of_turn'>;

/** Field → value of the settings, as JSON: many answers share one. @param made what a line says of them, be it that or not */
export function settingsJson({ sampling, system, temporal_scope, time_rounding, choices, normalize, temperature, end_of_turn }: { [Name in keyof (Made & Weighed)]?: unknown }): string {
  const { frames, pixels, tokens } = (sampling ?? {}) as Fields;
  const group = (name: string, settings: unknown) => Object.entries(settings ?? {}).map(([key, setting]) => [`${name}.${key}`, valueOf(setting)]);
  return JSON.stringify({ 'sampling.frames': sorted(valueOf(frames)), ...Object.fromEntries([...group('sampling.pixels', pixels), ...group('sampling.tokens', tokens)]), system, temporal_scope, time_rounding, choices: spellingsOf(choices), normalize, temperature, end_of_turn });
}

const spellingsOf = (choices: unknown): unknown => (Array.isArray(choices) ? (choices as Partial<Decision['choices'][number] | null>[]).map((choice) => choice?.spellings?.map(({ text }) => text)) : choices);

const valueOf = (setting: unknown): unknown => (setting as { value?: unknown } | null | undefined)?.value;

const sorted = (rule: unknown): unknown => (rule === undefined ? undefined : Object.fromEntries(Object.entries(rule ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))));

/** @param at file and line of the answer, which was made by `model` with `settings`  @throws DATA naming the first field that differs, and both its values */
export function checkMadeAlike(at: string, answer: { model: ModelInfo; settings: string }, here: { model: ModelInfo; settings: string }): void {
  const [there, now] = [words(answer.model), words(here.model)];
  const other = answer.model.fingerprint !== here.model.fingerprint;
  if (other && there !== now) throw new StaveError('DATA', { what: `${at} is an answer of ${there}`, why: `the others would be by ${now}`, fix: 'choose another --out, or the same --model' });
  if (answer.settings !== here.settings) {
    const [before, after] = [answer.settings, here.settings].map((json) => JSON.parse(json) as Fields);
    const field = Object.keys({ ...after, ...before }).find((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
    if (field !== undefined) throw new StaveError('DATA', { what: `${at} was made with ${field} ${show(before[field])}`, why: `this run would use ${show(after[field])}`, fix: 'choose another --out, or give the same options again' });
  }
  if (other) throw new StaveError('DATA', { what: `${at} is an answer of another model with the name "${here.model.name}"`, why: `its model.fingerprint is ${show(answer.model.fingerprint)}, this run's is ${show(here.model.fingerprint)}`, fix: 'choose another --out, or the same --model' });
}

function words({ name, parameters, temporal_attention: sta, adapter = null }: ModelInfo): string {
  return `the model "${name}" ${adapter === null ? '' : `and the adapter "${basename(resolve(adapter))}" `}with ${parameters} parameters ${sta === null ? 'and no temporal attention' : `and ${sta?.heads} heads of temporal attention, ${sta?.order}`}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'unknown';
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
