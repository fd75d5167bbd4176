import { Tokenizer as Bpe } from '@huggingface/tokenizers';
import { StaveError } from '../errors.ts';
import { readJson, type ReadText } from './files.ts';
import { StreamDecoder } from './stream-decoder.ts';
import { validateTokenizer, type AddedToken, type TokenizerJson } from './tokenizer-json.ts';

/** What stave uses of the library; its own declarations do not resolve under nodenext. */
type Engine = {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  normalizer: { normalize(text: string): string } | null;
  model: { vocab: string[] };
};

export type EncodeOptions = {
  /** true: special tokens written in the text become these tokens, as in the reference. false (default): they are plain text, so a user can't forge a turn. */
  special?: boolean;
};

/** Byte-level BPE tokenizer of a checkpoint: text ↔ ids. */
export class Tokenizer {
  /** Number of ids: the largest one, added tokens included, plus one. */
  readonly vocabSize: number;
  /** tokenizer_config.json, empty if there is none. */
  readonly config: Record<string, unknown>;
  readonly #all: Engine;
  readonly #plain: Engine;
  readonly #added: ReadonlyMap<number, AddedToken>;

  /** @param json tokenizer.json  @param config tokenizer_config.json  @throws TOKENIZER when it is of a kind stave does not know */
  constructor(json: unknown, config: Record<string, unknown> = {}) {
    const { tokenizer, added } = validateTokenizer(json, config);
    const build = (parts: Partial<TokenizerJson>): Engine => new Bpe({ ...tokenizer, ...parts }, {});
    try {
      this.#all = build({ added_tokens: added });
      this.#plain = build({ added_tokens: added.filter((token) => !token.special), model: { ...tokenizer.model, vocab: {}, merges: [] } });
    } catch (cause) {
      throw new StaveError('TOKENIZER', { what: 'tokenizer.json cannot be used', why: cause instanceof Error ? cause.message : String(cause), fix: 'use the tokenizer files of a Qwen2-VL checkpoint', cause });
    }
    this.#plain.model = this.#all.model; // one vocabulary serves both
    this.#added = new Map(added.map((token) => [token.id, token]));
    this.vocabSize = this.#all.model.vocab.length;
    this.config = config;
  }

  /** No token is put before or after the text. */
  encode(text: string, { special = false }: EncodeOptions = {}): number[] {
    if (text === '') return [];
    const { ids } = (special ? this.#all : this.#plain).encode(text, { add_special_tokens: false });
    const forged = special ? undefined : ids.find((id) => this.#added.get(id)?.special); // only in a vocabulary whose merges spell a special token
    if (forged !== undefined) throw new StaveError('TOKENIZER', { what: `plain text became the special token ${this.token(forged)}`, why: 'the merges of tokenizer.json can spell it', fix: 'use the tokenizer files of a Qwen2-VL checkpoint' });
    return ids;
  }

  /** Bytes that are no UTF-8 become U+FFFD; ids outside the vocabulary stand for nothing. @param skipSpecial leave special tokens out */
  decode(ids: Iterable<number>, { skipSpecial = false }: { skipSpecial?: boolean } = {}): string {
    const decoder = new StreamDecoder(this, { skipSpecial });
    let text = '';
    for (const id of ids) text += decoder.push(id);
    return text + decoder.end();
  }

  /** The id of a token as it stands in the vocabulary (bytes written as characters: a space is `Ġ`) or among the added tokens. */
  id(token: string): number | undefined {
    return this.#all.token_to_id(token);
  }

  /** The token of an id, as it stands in the vocabulary. */
  token(id: number): string | undefined {
    return this.#all.id_to_token(id);
  }

  /** The added token of an id, if it is one. */
  added(id: number): AddedToken | undefined {
    return this.#added.get(id);
  }

  /** Added tokens that stand for structure, not for text: `<|im_end|>`, `<|video_pad|>`. */
  get specialTokens(): AddedToken[] {
    return [...this.#added.values()].filter((token) => token.special);
  }

  /** What the tokenizer makes of a text before it looks at its bytes (Qwen2: NFC). */
  normalize(text: string): string {
    return this.#all.normalizer?.normalize(text) ?? text;
  }
}

/** Reads tokenizer.json and tokenizer_config.json. Qwen2's 150,000 tokens take about 0.25 s of the main thread, in two pieces, and 65 MB.
 * @throws TOKENIZER when a file is missing, not JSON or of a kind stave does not know */
export async function loadTokenizer(read: ReadText): Promise<Tokenizer> {
  const json = await readJson(read, 'tokenizer.json');
  if (json === undefined) throw new StaveError('TOKENIZER', { what: 'the checkpoint has no tokenizer.json', why: 'it may have been saved without its tokenizer', fix: 'copy tokenizer.json from the model it was trained from' });
  const config = (await readJson(read, 'tokenizer_config.json')) ?? {};
  await new Promise((resolve) => setTimeout(resolve)); // let others run between parsing and building
  return new Tokenizer(json, config);
}
