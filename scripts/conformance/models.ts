/** A model reference set: a checkpoint with recorded prompts, vision encoder outputs, logits and greedy answers of the original implementation. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decoder } from '../../src/generate/decoder.ts';
import { encodeVisual, type TemporalScope } from '../../src/generate/encoder.ts';
import { generateTokens } from '../../src/generate/tokens.ts';
import type { VisualItem } from '../../src/generate/visual-item.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { parseGenerationConfig } from '../../src/models/generation-config.ts';
import { languageGraph, openQwen2VL, pixelValues, ropeIndex, textPositions, visionGraph, visionParts, visualTokens, type Grid, type PositionIds, type Qwen2VL, type TemporalAttention, type TimeRounding } from '../../src/models/qwen2vl/index.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';
import { encodeConversation, loadChatTemplate, loadTokenizer, type ChatTemplate, type Message, type Tokenizer } from '../../src/text/index.ts';
import { openWeights, type Weights } from '../../src/weights/index.ts';
import type { TypedArray } from '../../src/graph/index.ts';
import { deviation, pictures, type Row } from './compare.ts';
import { encodeWhole } from './whole-vision.ts';

type Prompt = PositionIds & { ids: number[]; /** [V, hidden_size] */ visual_embeds: Float32Array };

type Case = {
  name: string;
  /** Absent: as the authors' code has it. */
  temporal_scope?: TemporalScope;
  messages: Message[];
  prompt: string;
  input_ids: number[];
  video_grid_thw?: Grid[];
  image_grid_thw?: Grid[];
  second_per_grid_ts?: number[] | null;
  rope_delta: number;
  greedy: number[];
  'greedy_repetition_penalty_1.3'?: number[];
};
type CasesFile = { temporal_attention?: { order: TemporalAttention['order'] } | null; cases: Case[] };

type Subject = { model: Qwen2VL; vision: Program; whole: Program; language: Program; tokenizer: Tokenizer; template: ChatTemplate; stop: number[]; recorded: Recorded };

const TOLERANCE = 1e-4;
const NEW_TOKENS = 24;

/** Checks the set in `dir`; its frames and images are in its own `expected.safetensors` or in `../inputs.safetensors`. */
export async function checkModelSet(dir: string): Promise<Row[]> {
  const file = JSON.parse(await readFile(join(dir, 'cases.json'), 'utf8')) as CasesFile;
  await using runtime = await Runtime.create();
  await using expected = await openWeights(join(dir, 'expected.safetensors'));
  const shared = join(dir, '../inputs.safetensors');
  await using inputs = existsSync(shared) ? await openWeights(shared) : null;
  const read = textReader(dir);
  const model = await openQwen2VL(dir, { order: file.temporal_attention?.order });
  await using _ = model.weights;
  const generation = parseGenerationConfig(JSON.parse((await read('generation_config.json')) ?? '{}'), model.config);
  const subject: Subject = {
    model,
    vision: await runtime.compile(visionParts(model)),
    whole: await runtime.compile(visionGraph(model)),
    language: await runtime.compile(languageGraph(model)),
    tokenizer: await loadTokenizer(read),
    template: await loadChatTemplate(read),
    stop: generation.eos_token_id,
    recorded: new Recorded(inputs === null || ownInputs(expected) ? [expected] : [expected, inputs]),
  };
  const rows: Row[] = [];
  for (const reference of file.cases) rows.push(await checkCase(subject, reference).catch((error: Error) => ({ name: reference.name, ok: false, note: error.message.split('\n').join('; ') })));
  return rows;
}

/** Whether a set brings frames or images along; then none are borrowed: names repeat. */
const ownInputs = (expected: Weights): boolean => [...expected.tensors.keys()].some((name) => /\.(frames|image)\.\d+$/.test(name));

async function checkCase(subject: Subject, reference: Case): Promise<Row> {
  const findings = new Findings(reference.name);
  const items = await visualItems(subject, reference, findings);
  await checkVision(subject, reference, items, findings);
  const prompt = await checkPrompt(subject, reference, items, findings);
  await checkLogits(subject, reference, prompt, findings);
  findings.equal('greedy ids', await answer(subject, prompt, reference.greedy.length, 1), reference.greedy);
  const penalized = reference['greedy_repetition_penalty_1.3'];
  if (penalized !== undefined) findings.equal('greedy ids with repetition penalty', await answer(subject, prompt, penalized.length, 1.3), penalized);
  return findings.row();
}

/** The case's frames and images as patches, in the order of the messages. */
async function visualItems({ model, recorded }: Subject, { name, messages, video_grid_thw = [], image_grid_thw = [] }: Case, findings: Findings): Promise<VisualItem[]> {
  const kinds = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content)).flatMap(({ type }) => (type === 'text' ? [] : [type]));
  const items: VisualItem[] = [];
  for (const kind of kinds) {
    const k = items.filter((item) => item.kind === kind).length;
    const stored = `${name}.${kind === 'video' ? 'frames' : 'image'}.${k}`;
    const { data, shape } = await recorded.read(stored);
    const { pixel_values, grid } = pixelValues(pictures(data as Uint8Array, shape), kind === 'video' ? model.video_preprocessor : model.preprocessor);
    findings.equal(`grid of ${kind} ${k}`, [...grid], [...(kind === 'video' ? video_grid_thw : image_grid_thw)[k]]);
    items.push({ kind, grid, pixel_values });
  }
  for (const kind of ['video', 'image'] as const) {
    const stored = `${name}.pixel_values${kind === 'video' ? '_videos' : ''}`;
    if (recorded.has(stored)) findings.close('pixel_values', joined(items.filter((item) => item.kind === kind).map((item) => item.pixel_values as Float32Array)), (await recorded.read(stored)).data as Float32Array);
  }
  return items;
}

/** Everything recorded of the vision encoder: patch_embed, block.i, video_embeds, image_embeds. Videos and images go in apart, as in the original. Visual tokens must come out right in slices of
 * one frame group and one patch position too. */
async function checkVision({ model: { config }, vision, whole, recorded }: Subject, { name, temporal_scope: scope = 'all' }: Case, items: VisualItem[], findings: Findings): Promise<void> {
  for (const kind of ['video', 'image'] as const) {
    const some = items.filter((item) => item.kind === kind);
    if (some.length === 0) continue;
    const embeds = `${name}.${kind}_embeds`;
    if (recorded.has(embeds)) {
      const expected = (await recorded.read(embeds)).data as Float32Array;
      findings.close(embeds, await encodeVisual(vision, config, some, { scope }), expected);
      findings.close(embeds, await encodeVisual(vision, config, some, { scope, bytes: 1 }), expected);
    }
    for (const { name: output } of whole.outputs) {
      const stored = `${name}.${output}`;
      if (recorded.has(stored) && (kind === 'video' || some.length === items.length)) findings.close(stored, await encodeWhole(whole, config, some, { scope, output }), (await recorded.read(stored)).data as Float32Array);
    }
  }
}

async function checkPrompt({ model: { config }, vision, tokenizer, template, recorded }: Subject, reference: Case, items: VisualItem[], findings: Findings): Promise<Prompt> {
  const { spatial_merge_size, windowed } = config.vision_config;
  const grids = (kind: string) => items.filter((item) => item.kind === kind).map(({ grid }) => grid);
  const counts = (kind: string) => grids(kind).map((grid) => visualTokens(grid, spatial_merge_size));
  const { ids, prompt } = encodeConversation(tokenizer, template, reference.messages, { addGenerationPrompt: true, videoTokens: counts('video'), imageTokens: counts('image') });
  findings.equal('prompt', [prompt], [reference.prompt]);
  findings.equal('input_ids', ids, reference.input_ids);
  const stored = `${reference.name}.position_ids`;
  const expected = recorded.has(stored) ? Array.from((await recorded.read(stored)).data, Number) : undefined;
  const positions = (time_rounding: TimeRounding): PositionIds =>
    ropeIndex(ids, { videos: grids('video'), images: grids('image'), second_per_grid_ts: reference.second_per_grid_ts ?? undefined }, { ...config, spatial_merge_size, tokens_per_second: windowed?.tokens_per_second, time_rounding });
  const fits = ({ position_ids, rope_delta }: PositionIds) => rope_delta === reference.rope_delta && (expected ?? [...position_ids]).join() === position_ids.join();
  const exact = positions('exact'); // other versions of transformers than 4.57 work so
  const { position_ids, rope_delta } = fits(exact) ? exact : positions('reference');
  if (!fits(exact)) findings.remark('time rounded as the reference does');
  if (expected) findings.equal('position_ids', [...position_ids], expected);
  findings.equal('rope_delta', [rope_delta], [reference.rope_delta]);
  return { ids, position_ids, rope_delta, visual_embeds: await encodeVisual(vision, config, items, { scope: reference.temporal_scope ?? 'all' }) };
}

/** The logits come from one forward pass. Called without position_ids, as for training, transformers 4.46.1 numbers all tokens 0, 1, 2, … there, visual ones too
 * (only its generate() uses M-RoPE): recorded logits may be by either numbering, and the row says which. */
async function checkLogits({ model: { config }, language, recorded }: Subject, { name }: Case, prompt: Prompt, findings: Findings): Promise<void> {
  const logits = (await recorded.read(`${name}.logits`)).data as Float32Array;
  const deviations = [];
  for (const position_ids of [prompt.position_ids, textPositions(0, prompt.ids.length, 0)])
    deviations.push(deviation(await new Decoder(language, config).append({ ids: prompt.ids, position_ids }, prompt.visual_embeds, { rows: logits.length / config.vocab_size }), logits));
  findings.measured('logits', Math.min(...deviations));
  if (deviations[1] < deviations[0]) findings.remark('logits by 1-D positions');
}

async function answer({ model: { config }, language, stop }: Subject, prompt: Prompt, length: number, repetition_penalty: number): Promise<number[]> {
  const decoder = new Decoder(language, config);
  const logits = await decoder.append(prompt, prompt.visual_embeds);
  const ids: number[] = [];
  for await (const id of generateTokens(decoder, prompt, logits, { sampling: { temperature: 0, repetition_penalty }, stop, max_new_tokens: Math.max(NEW_TOKENS, length) })) ids.push(id);
  return ids;
}

/** Tensors of the set's files by name, from the first that has it. */
class Recorded {
  readonly #files: Weights[];

  constructor(files: Weights[]) {
    this.#files = files;
  }

  has(name: string): boolean {
    return this.#files.some((file) => file.has(name));
  }

  /** @throws WEIGHT_MISSING */
  async read(name: string): Promise<{ data: TypedArray; shape: readonly number[] }> {
    const file = this.#files.find((file) => file.has(name)) ?? this.#files[0];
    return { data: (await file.read(name)) as TypedArray, shape: file.info(name).shape };
  }
}

/** What was compared in a case. */
class Findings {
  readonly #name: string;
  #worst = 0;
  readonly #failures: string[] = [];
  readonly #remarks: string[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  close(what: string, actual: Float32Array, expected: Float32Array): void {
    this.measured(what, deviation(actual, expected));
  }

  measured(what: string, deviation: number): void {
    this.#worst = Math.max(this.#worst, deviation);
    if (!(deviation <= TOLERANCE)) this.#failures.push(`${what} off by ${deviation.toExponential(1)}`);
  }

  equal(what: string, actual: (number | string)[], expected: (number | string)[]): void {
    const at = Array.from({ length: Math.max(actual.length, expected.length) }, (_, i) => i).find((i) => actual[i] !== expected[i]);
    if (at !== undefined) this.#failures.push(`${what}: ${JSON.stringify(actual[at])} for ${JSON.stringify(expected[at])} at ${at}`);
  }

  remark(text: string): void {
    this.#remarks.push(text);
  }

  row(): Row {
    const note = [...this.#failures, ...this.#remarks].join('; ');
    return { name: this.#name, ok: this.#failures.length === 0, deviation: this.#worst, ...(note !== '' && { note }) };
  }
}

function joined(arrays: Float32Array[]): Float32Array {
  return Float32Array.from(arrays.flatMap((array) => [...array]));
}

