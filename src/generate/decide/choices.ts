import { StaveError } from '../../errors.ts';

/** What may be decided for: an answer; a number; or an answer that can be spelled in several ways, called by the first. */
export type Choice = string | number | readonly string[];

/** `yes/no`: Yes and No, with a full stop or without, capital or not. */
export type Choices = readonly Choice[] | 'yes/no';

/** One of what is decided between. */
export type Named = { name: string; spellings: string[]; value: number | null };

const FIX = 'give at least two different choices, like ["open", "close"], numbers, or \'yes/no\'';

/** @throws USAGE for fewer than two, empty, twofold or unspeakable ones */
export function readChoices(choices: Choices): Named[] {
  const list: unknown = choices === 'yes/no' ? [spelledAs('Yes'), spelledAs('No')] : choices;
  if (!Array.isArray(list) || list.length < 2) throw new StaveError('USAGE', { what: `there ${Array.isArray(list) && list.length === 1 ? 'is one choice' : 'are no choices'} to decide between`, fix: FIX });
  const named = list.map(readChoice);
  const seen = new Map<string, string>();
  for (const { name, spellings } of named)
    for (const text of spellings) {
      const before = seen.get(text);
      if (before !== undefined) throw twofold(name, before);
      seen.set(text, name);
    }
  return named;
}

function readChoice(choice: unknown, i: number): Named {
  if (typeof choice === 'number' && Number.isFinite(choice)) return { name: String(choice), spellings: [String(choice), `${choice}.`], value: choice };
  const spellings: unknown[] = Array.isArray(choice) ? choice : [choice];
  if (spellings.length === 0) throw unspeakable(i, 'an empty list');
  for (const text of spellings) {
    if (typeof text !== 'string') throw unspeakable(i, String(text));
    if (text.trim() === '') throw unspeakable(i, 'empty');
  }
  return { name: spellings[0] as string, spellings: spellings as string[], value: null };
}

const unspeakable = (i: number, what: string): StaveError => new StaveError('USAGE', { what: `choice ${i + 1} is ${what}`, fix: FIX });

const spelledAs = (word: string): string[] => [word, `${word}.`, word.toLowerCase(), `${word.toLowerCase()}.`];

/** Two choices that the model cannot tell apart. */
export function twofold(one: string, other: string): StaveError {
  return new StaveError('USAGE', { what: one === other ? `the choice "${one}" is given twice` : `the choices "${other}" and "${one}" are the same answer`, why: 'its probability would be counted twice', fix: 'leave one of them out' });
}
