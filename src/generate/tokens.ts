import { textPositions } from '../models/qwen2vl/index.ts';
import type { Decoder, Positioned } from './decoder.ts';
import { Random } from './random.ts';
import { sample, type Sampling } from './samplers.ts';

/** What the model is given: token ids with their positions, and the visual tokens that its placeholders stand for, [V, hidden_size]. */
export type Prompt = Positioned & { ids: readonly number[]; rope_delta: number; visual_embeds: Float32Array };

export type TokenOptions = {
  sampling: Sampling;
  /** Of the generator that tokens are drawn with. */
  seed?: number;
  /** Any of these ends the answer. */
  stop: readonly number[];
  max_new_tokens: number;
  signal?: AbortSignal;
};

/** Prefill, then one token after the other, the one that ends the answer included. */
export async function* generateTokens(decoder: Decoder, prompt: Prompt, { sampling, seed = 0, stop, max_new_tokens, signal }: TokenOptions): AsyncGenerator<number, void> {
  const random = new Random(seed);
  const seen = new Set(prompt.ids); // what the repetition penalty looks at
  const none = new Float32Array();
  let logits = await decoder.append(prompt, prompt.visual_embeds, { signal });
  for (let count = 1; ; count++) {
    const id = sample(logits, seen, sampling, random);
    yield id;
    if (stop.includes(id) || count === max_new_tokens) return;
    seen.add(id);
    logits = await decoder.append({ ids: [id], position_ids: textPositions(decoder.length, 1, prompt.rope_delta) }, none, { signal });
  }
}
