import { textPositions } from '../models/qwen2vl/index.ts';
import type { Decoder } from './decoder.ts';
import { Random } from './random.ts';
import { sample, type Sampling } from './samplers.ts';

export type TokenOptions = {
  sampling: Sampling;
  /** Of the generator that tokens are drawn with. */
  seed?: number;
  /** Any of these ends the answer. */
  stop: readonly number[];
  max_new_tokens: number;
  signal?: AbortSignal;
};

/** One token after the other, the one that ends the answer included. @param prompt what the decoder has seen  @param logits of the first token, [vocab_size] */
export async function* generateTokens(decoder: Decoder, prompt: { ids: readonly number[]; rope_delta: number }, logits: Float32Array, { sampling, seed = 0, stop, max_new_tokens, signal }: TokenOptions): AsyncGenerator<number, void> {
  const random = new Random(seed);
  const seen = new Set(prompt.ids); // what the repetition penalty looks at
  const said = new Set<number>(); // and the presence penalty
  const none = new Float32Array();
  for (let count = 1; ; count++) {
    const id = sample(logits, seen, sampling, random, said);
    yield id;
    if (stop.includes(id) || count === max_new_tokens) return;
    seen.add(id);
    said.add(id);
    logits = await decoder.append({ ids: [id], position_ids: textPositions(decoder.length, 1, prompt.rope_delta) }, none, { signal });
  }
}
