import type { Program } from '../runtime/index.ts';
import { StreamDecoder } from '../text/index.ts';
import type { AnswerResult } from './answer.ts';
import { Decoder } from './decoder.ts';
import { encodeVisual, type VisualItem } from './encoder.ts';
import { glance, readMedia } from './media.ts';
import { systemOf, type ChatMessage } from './messages.ts';
import type { ModelFiles, ModelInfo } from './model-files.ts';
import { prepare, type AskOptions } from './plan.ts';
import { samplingOf } from './settings.ts';
import { generateTokens } from './tokens.ts';

/** A loaded model: its files and its two programs, which may still be on their way. */
export type LoadedModel = { files: ModelFiles; info: ModelInfo; vision: Promise<Program>; language: Promise<Program>; /** Seconds. */ loadTime: number };

/** Plan → frames → visual tokens → prefill → tokens → text. Yields pieces of text that are certain, returns the whole. */
export async function* run({ files, info, vision, language, loadTime }: LoadedModel, messages: readonly ChatMessage[], options: AskOptions): AsyncGenerator<string, AnswerResult> {
  const { signal } = options;
  const { config } = files.model;
  const clock = new Clock();
  signal?.throwIfAborted();

  const { plan, sources, mediaOptions, prompt, made } = await prepare(files, messages, options);
  clock.lap('plan');
  const items: VisualItem[] = [];
  for (const [i, media] of plan.media.entries()) {
    const { item, damage } = await readMedia(sources[i], media, mediaOptions);
    items.push(item);
    plan.media[i] = { ...media, damage };
  }
  clock.lap('decode');
  const visual_embeds = items.length === 0 ? new Float32Array() : await encodeVisual(await ready(vision, signal), config, items, { scope: made.temporal_scope, signal });
  items.length = 0; // the pixels are not needed any more
  clock.lap('vision');

  const decoder = new Decoder(await ready(language, signal), config);
  const text = new StreamDecoder(files.tokenizer, { skipSpecial: true });
  const stop = files.generation.eos_token_id;
  const token_ids: number[] = [];
  let written = '';
  for await (const id of generateTokens(decoder, { ...prompt, visual_embeds }, { sampling: samplingOf(plan.settings), seed: plan.settings.seed.value, stop, max_new_tokens: plan.settings.max_new_tokens.value, signal })) {
    if (token_ids.push(id) === 1) clock.lap('prefill');
    const piece = text.push(id);
    written += piece;
    if (piece !== '') yield piece;
  }
  const rest = text.end();
  if (rest !== '') yield rest;
  clock.lap('generate');

  return {
    ...glance(plan.media),
    text: written + rest,
    token_ids,
    finish_reason: stop.includes(token_ids[token_ids.length - 1]) ? 'stop' : 'length',
    media: plan.media,
    prompt_tokens: plan.prompt_tokens,
    visual_tokens: plan.visual_tokens,
    timings: { load: loadTime, ...clock.laps, total: clock.total },
    tokens_per_second: token_ids.length > 1 ? (token_ids.length - 1) / clock.laps.generate : null,
    model: info,
    ...made,
    system: systemOf(messages),
    peak_memory: process.resourceUsage().maxRSS * 1024,
  };
}

/** A program that may still be compiling; an abort does not wait for it. */
async function ready(program: Promise<Program>, signal: AbortSignal | undefined): Promise<Program> {
  if (signal === undefined) return program;
  signal.throwIfAborted();
  const waiting = new AbortController(); // takes the listener off again
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: waiting.signal }));
  return Promise.race([program, aborted]).finally(() => waiting.abort());
}

/** Seconds spent in each part. */
class Clock {
  readonly laps = { plan: 0, decode: 0, vision: 0, prefill: 0, generate: 0 };
  readonly #start = performance.now();
  #last = this.#start;

  lap(name: keyof Clock['laps']): void {
    const now = performance.now();
    this.laps[name] = (now - this.#last) / 1000;
    this.#last = now;
  }

  get total(): number {
    return (performance.now() - this.#start) / 1000;
  }
}
