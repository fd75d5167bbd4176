import { StaveError } from '../../errors.ts';
import { encodeConversation, type Message } from '../../text/index.ts';
import type { ModelFiles } from '../model-files.ts';
import { twofold, type Named } from './choices.ts';

/** A choice as the model would write it: the tokens of each spelling. */
export type Spelled = Named & { tokens: number[][] };

/** Tokens of each choice as an answer to the messages, by the chat template, up to the token that ends the turn, with it or without. Without, a choice stands for all answers that begin so:
 * of two spellings the longer is then part of the shorter and is dropped.
 * @throws USAGE for choices that are the same answer or, without the end of the turn, one the beginning of the other */
export function spell({ tokenizer, template, generation }: Pick<ModelFiles, 'tokenizer' | 'template' | 'generation'>, messages: readonly Message[], named: readonly Named[], end_of_turn: boolean): Spelled[] {
  const { ids: prompt } = encodeConversation(tokenizer, template, messages, { addGenerationPrompt: true });
  const answer = (text: string): number[] => {
    const { ids } = encodeConversation(tokenizer, template, [...messages, { role: 'assistant', content: text }]);
    if (prompt.some((id, i) => ids[i] !== id))
      throw new StaveError('USAGE', { what: `the choice ${JSON.stringify(text)} cannot follow the prompt`, why: 'its beginning makes one token with what the chat template puts before an answer', fix: 'leave out spaces and line breaks at its beginning' });
    const tokens = ids.slice(prompt.length);
    const end = tokens.findIndex((id) => generation.eos_token_id.includes(id));
    return end < 0 ? tokens : tokens.slice(0, end_of_turn ? end + 1 : end);
  };
  const spelled = named.map((choice) => ({ ...choice, tokens: choice.spellings.map(answer) }));
  for (const [i, choice] of spelled.entries()) {
    for (const other of spelled.slice(0, i)) checkApart(other, choice);
    const kept = choice.tokens.map((tokens, j) => !choice.tokens.some((other, k) => k !== j && begins(tokens, other) && (other.length < tokens.length || k < j)));
    choice.spellings = choice.spellings.filter((_, j) => kept[j]);
    choice.tokens = choice.tokens.filter((_, j) => kept[j]);
  }
  return spelled;
}

function checkApart(a: Spelled, b: Spelled): void {
  for (const one of a.tokens)
    for (const two of b.tokens) {
      if (!begins(one, two) && !begins(two, one)) continue;
      if (one.length === two.length) throw twofold(b.name, a.name);
      const [short, long] = one.length < two.length ? [a, b] : [b, a];
      throw new StaveError('USAGE', { what: `the choice "${long.name}" begins with the choice "${short.name}"`, why: 'without the end of the turn an answer that begins so would count for both', fix: 'decide with end_of_turn, or word them differently' });
    }
}

const begins = (tokens: readonly number[], beginning: readonly number[]): boolean => beginning.length <= tokens.length && beginning.every((id, i) => id === tokens[i]);
