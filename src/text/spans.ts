import { StaveError } from '../errors.ts';
import type { Message, Role } from './message.ts';
import type { ChatTemplate, RenderOptions } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';

/** From `start` up to, not including, `end`. */
export type Span = { start: number; end: number };

export type MessageSpan = {
  role: Role;
  /** In the prompt: the message with what the template puts around it; the first one includes a system prompt that the template adds. */
  chars: Span;
  /** In the ids. */
  tokens: Span;
  /** Of an assistant's message: the tokens the model has to write, that is the content and the end of the turn. */
  answer?: Span;
};

/** A stretch of the prompt between special tokens, or one of these. */
export type Piece = {
  text: string;
  /** Index of its first character in the prompt. */
  start: number;
  firstToken: number;
  /** Its tokens; undefined for a special token. */
  tokens?: readonly number[];
};

/** Finds the messages in the prompt by rendering its beginnings: what a message adds is the message. What the opening of an assistant's turn adds is no part of its answer.
 * @throws TOKENIZER when a beginning does not render to a beginning of the prompt */
export function locate(tokenizer: Tokenizer, template: ChatTemplate, messages: readonly Message[], prompt: string, encoded: { pieces: readonly Piece[]; count: number }, options: RenderOptions): MessageSpan[] {
  const length = (count: number, addGenerationPrompt: boolean): number => {
    const beginning = count === 0 && !addGenerationPrompt ? '' : template.render(messages.slice(0, count), { ...options, addGenerationPrompt });
    if (prompt.startsWith(beginning)) return beginning.length;
    throw new StaveError('TOKENIZER', {
      what: `the first ${count} of ${messages.length} messages are not a beginning of the prompt`,
      why: 'the chat template writes messages differently depending on what follows, so it cannot be told where one ends',
      fix: 'train with a template that writes every message the same way',
    });
  };
  const token = (char: number) => tokenAt(tokenizer, encoded, char);
  return messages.map(({ role }, i) => {
    const chars = { start: length(i, false), end: length(i + 1, false) };
    const tokens = { start: token(chars.start), end: token(chars.end) };
    return role === 'assistant' ? { role, chars, tokens, answer: { start: token(length(i, true)), end: tokens.end } } : { role, chars, tokens };
  });
}

/** Index of the first token that begins at or after a character of the prompt. */
function tokenAt(tokenizer: Tokenizer, { pieces, count }: { pieces: readonly Piece[]; count: number }, char: number): number {
  const piece = pieces.findLast((piece) => piece.start <= char);
  if (piece === undefined) return 0;
  if (piece.start === char) return piece.firstToken;
  const next = pieces[pieces.indexOf(piece) + 1]?.firstToken ?? count;
  if (piece.tokens === undefined || char >= piece.start + piece.text.length) return next;
  const bytes = utf8Length(tokenizer.normalize(piece.text.slice(0, char - piece.start)));
  let begin = 0; // byte at which a token begins
  const index = piece.tokens.findIndex((id) => {
    if (begin >= bytes) return true;
    begin += tokenizer.added(id) === undefined ? tokenizer.token(id)!.length : utf8Length(tokenizer.added(id)!.content); // a byte-level token is a character a byte
    return false;
  });
  return index === -1 ? next : piece.firstToken + index;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
