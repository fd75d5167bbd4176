import type { Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Program } from '../runtime/index.ts';
import type { Clock } from './clock.ts';
import { Decoder } from './decoder.ts';
import { joined } from './rows.ts';
import type { ChatMessage } from './messages.ts';
import type { DeviceInfo } from './device/choose.ts';
import type { Parts } from './device/parts.ts';
import type { ModelFiles, ModelInfo } from './model-files.ts';
import { prepare, type Prepared, type PromptTokens, type ReadingOptions } from './plan.ts';
import { visualBefore } from './reuse/cuts.ts';
import { encodeUnit, type Encoding } from './reuse/encode.ts';
import type { Reuse, SeenMedia } from './reuse/reuse.ts';
import { unlessAborted } from './reuse/turn.ts';
import { mediaKeys, unitsOf, type Unit } from './reuse/units.ts';

/** A loaded model: its files, its two programs, which may still be on their way, and what it keeps for later. */
export type LoadedModel = { files: ModelFiles; info: ModelInfo; device: DeviceInfo; vision: Promise<Parts>; language: Promise<Program>; reuse: Reuse; /** Seconds. */ loadTime: number };

/** Of a prompt's tokens, those that earlier questions had worked out. */
export type Reused = { /** Visual tokens that were not encoded (their videos and images not decoded either). */ visual_tokens: number; /** Tokens that did not go through the language model: its beginning. */ prompt_tokens: number };

/** A prompt that the model has read. `plan.media` tells what was found damaged. */
export type Prefilled = Prepared & { decoder: Decoder; /** Of the token that comes next, [vocab_size]. */ logits: Float32Array; reused: Reused };

/** A prompt that is planned, and what its visual tokens are of. */
export type Opened = Pick<Encoding, 'prepared'> & Partial<Pick<Encoding, 'decoded'>> & { messages: readonly ChatMessage[]; units: Unit[] };

/** @throws as prepare() does */
export async function openPrompt({ files, reuse }: LoadedModel, messages: readonly ChatMessage[], options: ReadingOptions): Promise<Opened> {
  options.signal?.throwIfAborted();
  const prepared = await prepare(files, messages, options);
  return { messages, prepared, units: await unitsOf(prepared, reuse, options.signal) };
}

/** Plan → frames → visual tokens → keys and values of the prompt. What is kept from earlier questions is not worked out again.
 * @param opened the same prompt, if it was planned before  @throws as prepare(), decoding and the engine do */
export async function prefill(model: LoadedModel, messages: readonly ChatMessage[], options: ReadingOptions, clock: Clock, opened?: Opened): Promise<Prefilled> {
  const { files, vision, language, reuse } = model;
  const { signal, after } = options;
  after?.catch(() => {}); // told when it is waited for
  const { config } = files.model;
  const { prepared, units, decoded } = opened ?? (await openPrompt(model, messages, options));
  const { plan, prompt } = prepared;
  clock.lap('plan');

  const keys = mediaKeys(units);
  const seen: SeenMedia[] = plan.media.map(({ tokens, damage }, i) => ({ key: keys[i], tokens, damage }));
  const find = () => reuse.beginningOf(prompt, seen, (position) => countMedia(seen, visualBefore(prompt.ids, position, config)));
  const early = find();
  const first = early?.media ?? 0; // videos and images before this one need no visual tokens
  for (let i = 0; i < first; i++) seen[i].damage = early!.of.media[i].damage;
  const parts: Float32Array[] = [];
  let fresh = plan.visual_tokens;
  for (const unit of units) {
    if (unit.members.every((i) => i < first)) {
      fresh -= count(seen, unit.members);
      continue;
    }
    const { encoded, reused } = await encodeUnit(unit, { prepared, decoded, vision, config, reuse, clock, signal });
    if (reused) fresh -= count(seen, unit.members);
    unit.members.forEach((media, i) => {
      parts[media] = encoded.parts[i];
      seen[media].damage = encoded.damage[i];
    });
  }
  plan.media = plan.media.map((media, i) => ({ ...media, damage: seen[i].damage }));
  clock.lap('vision');

  const [program] = await unlessAborted(Promise.all([language, after]), signal);
  const done = await reuse.prefill.take(signal);
  try {
    const late = find(); // another question may have read the same clip by now
    const beginning = (late?.length ?? 0) >= (early?.length ?? 0) ? late : early;
    const decoder = new Decoder(program, config, beginning && { stored: beginning.of.stored, length: beginning.length });
    const logits = await readPrompt(decoder, prompt, parts.slice(beginning?.media ?? 0), config, signal);
    if (reuse.enabled) reuse.keepPrompt(prompt, seen, decoder.stored(), beginning);
    return { ...prepared, decoder, logits, reused: { visual_tokens: plan.visual_tokens - fresh, prompt_tokens: beginning?.length ?? 0 } };
  } finally {
    done();
    clock.lap('prefill');
  }
}

/** What the decoder has not seen yet of a prompt, section by section. @param parts visual tokens of the videos and images in there  @returns logits of the next token */
async function readPrompt(decoder: Decoder, { ids, position_ids, cuts }: PromptTokens, parts: readonly Float32Array[], config: Qwen2VLConfig, signal: AbortSignal | undefined): Promise<Float32Array> {
  const total = ids.length;
  const embeds = parts.length === 0 ? new Float32Array() : joined(parts);
  let logits: Float32Array = new Float32Array();
  let used = 0; // entries of embeds
  for (const end of [...cuts, total].filter((cut) => cut > decoder.length)) {
    const start = decoder.length;
    const section = ids.slice(start, end);
    const positions = Int32Array.from({ length: 3 * section.length }, (_, i) => position_ids[Math.floor(i / section.length) * total + start + (i % section.length)]);
    const width = visualBefore(section, section.length, config) * config.hidden_size;
    logits = await decoder.append({ ids: section, position_ids: positions }, embeds.subarray(used, (used += width)), { rows: end === total ? 1 : 0, signal });
  }
  return logits;
}

const count = (media: readonly SeenMedia[], members: readonly number[]): number => members.reduce((sum, i) => sum + media[i].tokens, 0);

/** Videos and images that make up the first visual tokens of a prompt. */
function countMedia(media: readonly SeenMedia[], tokens: number): number {
  let whole = 0;
  for (let left = tokens; whole < media.length && left >= media[whole].tokens; whole++) left -= media[whole].tokens;
  return whole;
}
