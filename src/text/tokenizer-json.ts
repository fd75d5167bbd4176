import { StaveError } from '../errors.ts';

export type AddedToken = { id: number; content: string; special: boolean; normalized?: boolean; lstrip?: boolean; rstrip?: boolean; single_word?: boolean };

type Part = { type: string; [key: string]: unknown } | null;

/** tokenizer.json of the tokenizers library, as far as stave looks into it. */
export type TokenizerJson = {
  normalizer: Part;
  pre_tokenizer: Part;
  post_processor: Part;
  decoder: Part;
  model: { type: 'BPE'; vocab: Record<string, number>; merges: unknown[]; [key: string]: unknown };
  added_tokens: AddedToken[];
};

/** Holds tokenizer.json to what the encoder and the streaming decoder rely on: BPE over bytes.
 * @returns the file, and its added tokens joined by those that only tokenizer_config.json knows   @throws TOKENIZER */
export function validateTokenizer(json: unknown, config: Record<string, unknown>): { tokenizer: TokenizerJson; added: AddedToken[] } {
  if (!isRecord(json) || !isRecord(json.model)) refuse('tokenizer.json has no model', 'it is not a file of the tokenizers library');
  const { model } = json;
  if (model.type !== 'BPE') refuse(`tokenizer.json: model.type is ${JSON.stringify(model.type)}`, 'only BPE is supported, as Qwen2-VL has it');
  if (!isRecord(model.vocab) || !Array.isArray(model.merges)) refuse('tokenizer.json: model.vocab or model.merges is missing', 'a BPE model needs both');
  if (!isRecord(json.decoder) || json.decoder.type !== 'ByteLevel') refuse(`tokenizer.json: decoder is ${JSON.stringify(json.decoder)}`, 'only byte-level tokenizers are supported');
  for (const token in model.vocab) if (!isId(model.vocab[token])) refuse(`tokenizer.json: model.vocab[${JSON.stringify(token)}] is ${JSON.stringify(model.vocab[token])}`, 'an id is needed');

  const added = new Map<number, AddedToken>();
  for (const token of listed(json.added_tokens ?? [])) added.set(token.id, token);
  for (const token of listed(configured(config))) {
    const known = added.get(token.id);
    if (known !== undefined && known.content !== token.content)
      refuse(`token ${token.id} is ${JSON.stringify(known.content)} in tokenizer.json and ${JSON.stringify(token.content)} in tokenizer_config.json`, 'the two files do not belong together');
    if (known === undefined) added.set(token.id, token);
  }
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null }; // the file may leave them out
  return { tokenizer: { ...parts, ...json } as unknown as TokenizerJson, added: [...added.values()] };
}

/** `added_tokens_decoder` of tokenizer_config.json: id → token. */
function configured(config: Record<string, unknown>): unknown[] {
  const table = config.added_tokens_decoder ?? {};
  if (!isRecord(table)) refuse('tokenizer_config.json: added_tokens_decoder is not an object', 'ids with their tokens are needed');
  return Object.entries(table).map(([id, token]) => ({ ...(token as object), id: Number(id) }));
}

function listed(tokens: unknown): AddedToken[] {
  if (!Array.isArray(tokens)) refuse('tokenizer.json: added_tokens is not a list', 'a list of tokens is needed');
  for (const token of tokens)
    if (!isRecord(token) || !isId(token.id) || typeof token.content !== 'string' || token.content === '') refuse(`an added token is ${JSON.stringify(token)}`, 'an id and a content are needed');
  return tokens.map((token) => ({ ...token, special: token.special === true }));
}

function refuse(what: string, why: string): never {
  throw new StaveError('TOKENIZER', { what, why, fix: 'use the tokenizer files of a Qwen2-VL checkpoint' });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 24;
}
