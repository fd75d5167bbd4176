/** A model reference set: a checkpoint with recorded prompts, vision encoder outputs, logits and greedy answers of the original implementation. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decoder } from '../../src/generate/decoder.ts';
import { encodeVisual, type TemporalScope, type VisualItem } from '../../src/generate/encoder.ts';
import { generateTokens, type Prompt } from '../../src/generate/tokens.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { parseGenerationConfig } from '../../src/models/generation-config.ts';
import { languageGraph, openQwen2VL, pixelValues, ropeIndex, textPositions, visionGraph, visualTokens, type Grid, type Qwen2VL, type TemporalAttention } from '../../src/models/qwen2vl/index.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';
import { encodeConversation, loadChatTemplate, loadTokenizer, type ChatTemplate, type Message, type Tokenizer } from '../../src/text/index.ts';
import { openWeights, type Weights } from '../../src/weights/index.ts';
import { deviation, pictures, type Row } from './compare.ts';

type Case = {
  name: string;
  temporal_scope: TemporalScope;
  messages: Message[];
  prompt: string;
  input_ids: number[];
  video_grid_thw?: Grid[];
  image_grid_thw?: Grid[];
  rope_delta: number;
  greedy: number[];
  'greedy_repetition_penalty_1.3': number[];
};
type CasesFile = { temporal_attention: { order: TemporalAttention['order'] } | null; cases: Case[] };

type Subject = { model: Qwen2VL; vision: Program; language: Program; tokenizer: Tokenizer; template: ChatTemplate; stop: number[]; expected: Weights; inputs: Weights };

const TOLERANCE = 1e-4;
const NEW_TOKENS = 24;

/** Checks the set in `dir`; its frames and images are in `../inputs.safetensors`. */
export async function checkModelSet(dir: string): Promise<Row[]> {
  const file = JSON.parse(await readFile(join(dir, 'cases.json'), 'utf8')) as CasesFile;
  const { model_type } = JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')) as { model_type: string };
  if (model_type !== 'qwen2_vl') return file.cases.map(({ name }) => ({ name, ok: false, note: `not yet supported (${model_type})` }));
  await using runtime = await Runtime.create();
  await using expected = await openWeights(join(dir, 'expected.safetensors'));
  await using inputs = await openWeights(join(dir, '../inputs.safetensors'));
  const read = textReader(dir);
  const model = await openQwen2VL(dir, { order: file.temporal_attention?.order });
  await using _ = model.weights;
  const generation = parseGenerationConfig(JSON.parse((await read('generation_config.json')) ?? '{}'), model.config);
  const subject: Subject = {
    model,
    vision: await runtime.compile(visionGraph(model, { inside: true })),
    language: await runtime.compile(languageGraph(model)),
    tokenizer: await loadTokenizer(read),
    template: await loadChatTemplate(read),
    stop: generation.eos_token_id,
    expected,
    inputs,
  };
  const rows: Row[] = [];
  for (const reference of file.cases) rows.push(await checkCase(subject, reference).catch((error: Error) => ({ name: reference.name, ok: false, note: error.message.split('\n').join('; ') })));
  return rows;
}

async function checkCase(subject: Subject, reference: Case): Promise<Row> {
  const findings = new Findings(reference.name);
  const items = await visualItems(subject, reference, findings);
  await checkVision(subject, reference, items, findings);
  const prompt = await checkPrompt(subject, reference, items, findings);
  await checkLogits(subject, reference, prompt, findings);
  findings.equal('greedy ids', await answer(subject, prompt, reference.greedy.length, 1), reference.greedy);
  const penalized = reference['greedy_repetition_penalty_1.3'];
  findings.equal('greedy ids with repetition penalty', await answer(subject, prompt, penalized.length, 1.3), penalized);
  return findings.row();
}

/** The case's frames and images as patches, in the order of the messages. */
async function visualItems({ model, inputs }: Subject, { name, messages, video_grid_thw = [], image_grid_thw = [] }: Case, findings: Findings): Promise<VisualItem[]> {
  const kinds = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content)).flatMap(({ type }) => (type === 'text' ? [] : [type]));
  const items: VisualItem[] = [];
  for (const kind of kinds) {
    const k = items.filter((item) => item.kind === kind).length;
    const stored = `${name}.${kind === 'video' ? 'frames' : 'image'}.${k}`;
    const { pixel_values, grid } = pixelValues(pictures((await inputs.read(stored)) as Uint8Array, inputs.info(stored).shape), model.preprocessor);
    findings.equal(`grid of ${kind} ${k}`, [...grid], [...(kind === 'video' ? video_grid_thw : image_grid_thw)[k]]);
    items.push({ kind, grid, pixel_values });
  }
  for (const kind of ['video', 'image'] as const) {
    const stored = `${name}.pixel_values${kind === 'video' ? '_videos' : ''}`;
    if (inputs.has(stored)) findings.close('pixel_values', joined(items.filter((item) => item.kind === kind).map((item) => item.pixel_values)), await inputs.readF32(stored));
  }
  return items;
}

/** Everything recorded of the vision encoder: patch_embed, block.i, video_embeds, image_embeds. Videos and images go in apart, as in the original. */
async function checkVision({ model: { config }, vision, expected }: Subject, { name, temporal_scope: scope }: Case, items: VisualItem[], findings: Findings): Promise<void> {
  for (const kind of ['video', 'image'] as const) {
    const some = items.filter((item) => item.kind === kind);
    if (some.length === 0) continue;
    for (const { name: output } of vision.outputs) {
      const stored = `${name}.${output === 'embeds' ? `${kind}_embeds` : output}`;
      if (expected.has(stored) && (output === 'embeds' || kind === 'video' || some.length === items.length)) findings.close(stored, await encodeVisual(vision, config, some, { scope, output }), await expected.readF32(stored));
    }
  }
}

async function checkPrompt({ model: { config }, vision, tokenizer, template, inputs }: Subject, reference: Case, items: VisualItem[], findings: Findings): Promise<Prompt> {
  const { spatial_merge_size } = config.vision_config;
  const grids = (kind: string) => items.filter((item) => item.kind === kind).map(({ grid }) => grid);
  const counts = (kind: string) => grids(kind).map((grid) => visualTokens(grid, spatial_merge_size));
  const { ids, prompt } = encodeConversation(tokenizer, template, reference.messages, { addGenerationPrompt: true, videoTokens: counts('video'), imageTokens: counts('image') });
  findings.equal('prompt', [prompt], [reference.prompt]);
  findings.equal('input_ids', ids, reference.input_ids);
  const { position_ids, rope_delta } = ropeIndex(ids, { videos: grids('video'), images: grids('image') }, { ...config, spatial_merge_size });
  const positions = `${reference.name}.position_ids`;
  if (inputs.has(positions)) findings.equal('position_ids', [...position_ids], [...((await inputs.read(positions)) as Int32Array)]);
  findings.equal('rope_delta', [rope_delta], [reference.rope_delta]);
  return { ids, position_ids, rope_delta, visual_embeds: await encodeVisual(vision, config, items, { scope: reference.temporal_scope }) };
}

/** The logits come from one forward pass. Called without position_ids, as for training, transformers 4.46.1 numbers all tokens 0, 1, 2, … there, visual ones too
 * (only its generate() uses M-RoPE): recorded logits may be by either numbering, and the row says which. */
async function checkLogits({ model: { config }, language, expected }: Subject, { name }: Case, prompt: Prompt, findings: Findings): Promise<void> {
  const logits = await expected.readF32(`${name}.logits`);
  const deviations = [];
  for (const position_ids of [prompt.position_ids, textPositions(0, prompt.ids.length, 0)])
    deviations.push(deviation(await new Decoder(language, config).append({ ids: prompt.ids, position_ids }, prompt.visual_embeds, { rows: logits.length / config.vocab_size }), logits));
  findings.measured('logits', Math.min(...deviations));
  if (deviations[1] < deviations[0]) findings.remark('logits by 1-D positions');
}

async function answer({ model: { config }, language, stop }: Subject, prompt: Prompt, length: number, repetition_penalty: number): Promise<number[]> {
  const decoder = new Decoder(language, config);
  const ids: number[] = [];
  for await (const id of generateTokens(decoder, prompt, { sampling: { temperature: 0, repetition_penalty }, stop, max_new_tokens: Math.max(NEW_TOKENS, length) })) ids.push(id);
  return ids;
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

