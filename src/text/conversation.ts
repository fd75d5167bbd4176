import { StaveError } from '../errors.ts';
import { alternatives, disarm } from './forgery.ts';
import { checkMessages, type Message } from './message.ts';
import { locate, type MessageSpan, type Piece, type Span } from './spans.ts';
import type { ChatTemplate, RenderOptions } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';

export type ConversationOptions = RenderOptions & {
  /** Visual tokens of each video and of each image, in the order of the messages: t·h·w/4 of its grid. Absent: one placeholder each. */
  videoTokens?: readonly number[];
  imageTokens?: readonly number[];
  /** true: special tokens written in messages become these tokens, as in the reference. false (default): they are plain text. */
  special?: boolean;
};

export type Conversation = {
  /** Token ids of the prompt, the placeholder of a video or image repeated once a visual token. */
  ids: number[];
  /** The text as the chat template gives it, one placeholder a video or image. */
  prompt: string;
  /** Where each message stands. Computed when asked for. @throws TOKENIZER when the template writes earlier messages differently once later ones follow */
  readonly spans: MessageSpan[];
  /** Tokens a model learns to write: each answer with the end of its turn. */
  readonly answerSpans: Span[];
  /** [ids.length] 1 where a token is part of an answer, else 0. */
  readonly labelMask: Uint8Array;
};

/** Messages → token ids, equal to what transformers' processor makes of them, except that a message can't forge special tokens.
 * @throws TOKENIZER when the template refuses the messages; USAGE when messages are malformed or their videos and images don't match the token counts */
export function encodeConversation(tokenizer: Tokenizer, template: ChatTemplate, messages: readonly Message[], options: ConversationOptions = {}): Conversation {
  const specials = tokenizer.specialTokens;
  const safe = disarm(checkMessages(messages), options.special ? [] : specials.map((token) => token.content), template.source);
  const rendered = template.render(safe.messages, options);

  const expand = placeholders(tokenizer, options);
  const idOf = new Map(specials.map((token) => [token.content, token.id]));
  const ids: number[] = [];
  const pieces: Piece[] = [];
  let at = 0;
  for (const piece of splitAt(rendered, [...idOf.keys()])) {
    const special = idOf.get(piece);
    const text = special === undefined ? safe.restore(piece) : piece;
    const tokens = special === undefined ? tokenizer.encode(text) : expand(special);
    pieces.push({ text, start: at, firstToken: ids.length, tokens: special === undefined ? tokens : undefined });
    for (const id of tokens) ids.push(id);
    at += piece.length;
  }
  expand.finish();

  const spans = () => locate(tokenizer, template, safe.messages, rendered, { pieces, count: ids.length }, options);
  const answerSpans = () => spans().flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  return {
    ids,
    prompt: safe.restore(rendered),
    get spans() {
      return spans();
    },
    get answerSpans() {
      return answerSpans();
    },
    get labelMask() {
      const mask = new Uint8Array(ids.length);
      for (const { start, end } of answerSpans()) mask.fill(1, start, end);
      return mask;
    },
  };
}

/** What training learns from: the id where a token is part of an answer, −100 (no loss) elsewhere. */
export function labelsOf({ ids, labelMask }: Pick<Conversation, 'ids' | 'labelMask'>): Int32Array {
  return Int32Array.from(ids, (id, i) => (labelMask[i] === 1 ? id : -100));
}

/** The text cut before and after each of these tokens, nothing lost. */
function splitAt(text: string, tokens: readonly string[]): string[] {
  if (tokens.length === 0) return text === '' ? [] : [text];
  return text.split(new RegExp(`(${alternatives(tokens)})`)).filter((piece) => piece !== '');
}

/** Repeats the placeholder of each video and image as often as it has visual tokens. */
function placeholders(tokenizer: Tokenizer, { videoTokens, imageTokens }: ConversationOptions): { (id: number): number[]; finish(): void } {
  const kinds = [
    { name: 'video', id: tokenizer.id('<|video_pad|>'), counts: videoTokens, used: 0 },
    { name: 'image', id: tokenizer.id('<|image_pad|>'), counts: imageTokens, used: 0 },
  ];
  const expand = (id: number): number[] => {
    const kind = kinds.find((kind) => kind.id === id);
    if (kind?.counts === undefined) return [id];
    return Array<number>(kind.counts[kind.used++] ?? 0).fill(id);
  };
  const finish = () => {
    for (const { name, counts, used } of kinds)
      if (counts !== undefined && used !== counts.length)
        throw new StaveError('USAGE', { what: `the messages hold ${used} ${name} parts, frames were given for ${counts.length}`, fix: `put one {type: '${name}'} part into the messages for each ${name}` });
  };
  return Object.assign(expand, { finish });
}
