import { StaveError } from '../errors.ts';
import { StreamDecoder } from '../text/index.ts';
import type { AnswerResult } from './answer.ts';
import { Clock } from './clock.ts';
import { glance } from './media.ts';
import { systemOf, type ChatMessage } from './messages.ts';
import type { AskOptions } from './plan.ts';
import { prefill, type LoadedModel, type Opened } from './prefill.ts';
import { samplingOf } from './settings.ts';
import { generateTokens } from './tokens.ts';

/** Prompt → tokens → text. Yields pieces of text that are certain, returns the whole. @param opened see prefill() */
export async function* run(model: LoadedModel, messages: readonly ChatMessage[], options: AskOptions, opened?: Opened): AsyncGenerator<string, AnswerResult> {
  const { files, info, device, loadTime } = model;
  const clock = new Clock();
  const stop = endsOf(files, options);
  const { plan, prompt, made, decoder, logits, reused } = await prefill(model, messages, options, clock, opened);
  const text = new StreamDecoder(files.tokenizer, { skipSpecial: true });
  const token_ids: number[] = [];
  let written = '';
  for await (const id of generateTokens(decoder, prompt, logits, { sampling: samplingOf(plan.settings), seed: plan.settings.seed.value, stop, max_new_tokens: plan.settings.max_new_tokens.value, signal: options.signal })) {
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
    reused,
    timings: { load: loadTime, ...clock.laps, total: clock.total },
    tokens_per_second: token_ids.length > 1 ? (token_ids.length - 1) / clock.laps.generate : null,
    model: info,
    device,
    ...made,
    system: systemOf(messages),
    peak_memory: process.resourceUsage().maxRSS * 1024,
  };
}

/** Tokens of which any ends an answer. @throws USAGE for one that the tokenizer does not know */
function endsOf({ tokenizer, generation }: LoadedModel['files'], { eos_token }: AskOptions): readonly number[] {
  if (eos_token === undefined) return generation.eos_token_id;
  const id = tokenizer.id(eos_token);
  if (id === undefined) throw new StaveError('USAGE', { what: `eos_token is ${JSON.stringify(eos_token)}, which is no token of this model`, fix: 'give one as tokenizer.json writes it, for example <|im_end|>' });
  return [id];
}
