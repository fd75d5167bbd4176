/** The training reference set: gradients of one backward pass here; the two stages, the adapter and what it merges to in stages.ts. All against PyTorch's. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeDialogue } from '../../src/data/encode.ts';
import { grad, graph, input, type Tensor } from '../../src/graph/index.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { mropeTables, openQwen2VL, parameterShapes, pixelBytes, spaceTables, textPositions, timeTables, visualTokens, type Qwen2VL } from '../../src/models/qwen2vl/index.ts';
import { Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { encodeConversation, labelsOf, loadChatTemplate, loadTokenizer, type Message } from '../../src/text/index.ts';
import { packBatch, splitPrefix, type Batch, type Sample } from '../../src/train/batch.ts';
import { packConversation } from '../../src/train/pack-conversation.ts';
import { forward } from '../../src/train/step.ts';
import { openWeights, type Weights } from '../../src/weights/index.ts';
import { deviation, pictures, type Row } from './compare.ts';
import { checkStage1, checkStage2, type Lesson, type StagesFile } from './stages.ts';

type StoredSample = { messages: Message[]; input_ids: number[]; labels: number[]; video_grid_thw: [number, number, number][] };
type TrainingFile = StagesFile & { samples: StoredSample[]; backward: { sample: number; loss: number; grad_norms: Record<string, number> } };

const TOLERANCE = 1e-4;

/** Checks the set in `dir`. */
export async function checkTrainingSet(dir: string, checkpoint = '../models/staveq2'): Promise<Row[]> {
  const file = JSON.parse(await readFile(join(dir, 'training.json'), 'utf8')) as TrainingFile;
  const stored = await openWeights(join(dir, 'training.safetensors'));
  const model = await openQwen2VL(join(dir, checkpoint));
  const runtime = await Runtime.create();
  try {
    const encoded = await Promise.all(file.samples.map((_, i) => encodeSample(file, model, i)));
    const labels = encoded.map(({ ids, labels }, i) => same(ids, file.samples[i].input_ids) && same(labels, file.samples[i].labels));
    const samples = await Promise.all(encoded.map(async (conversation, i) => sampleOf(model, stored, file.samples[i], conversation, i)));
    const lesson: Lesson = { dir, runtime, model, stored, batches: samples.map((sample) => (scale) => batchOf(model, sample, scale)) };
    return [
      { name: 'labels', ok: labels.every(Boolean), note: labels.every(Boolean) ? undefined : `sample ${labels.indexOf(false)} differs` },
      await checkBackward('backward', runtime, model, stored, file, batchOf(model, samples[file.backward.sample], 1)),
      await checkBackward('backward, a conversation from a file', runtime, model, stored, file, await conversationOf(file, model, samples[file.backward.sample].pixels)),
      ...(await checkStage1(lesson, file)),
      ...(await checkStage2(lesson, file)),
    ];
  } finally {
    await runtime.dispose();
    await model.weights.close();
    await stored.close();
  }
}

async function encodeSample(file: TrainingFile, model: Qwen2VL, i: number): Promise<{ ids: number[]; labels: number[] }> {
  const read = textReader(model.dir);
  const { messages, video_grid_thw } = file.samples[i];
  const conversation = encodeConversation(await loadTokenizer(read), await loadChatTemplate(read), messages, { videoTokens: video_grid_thw.map(([t, h, w]) => (t * h * w) / 4) });
  return { ids: conversation.ids, labels: [...labelsOf(conversation)] };
}

/** The reference's forward pass is transformers 4.46.1's, which makes M-RoPE positions in generate() alone: called by a trainer, all three rows count up by one. */
async function sampleOf({ config, preprocessor }: Qwen2VL, stored: Weights, { video_grid_thw: [grid] }: StoredSample, { ids, labels }: { ids: number[]; labels: number[] }, i: number): Promise<Sample> {
  const name = `sample.${i}.frames`;
  const frames = pictures((await stored.read(name)) as Uint8Array, stored.info(name).shape);
  const cut = splitPrefix(ids, config.vision_end_token_id);
  const prefix = ids.slice(0, cut);
  return { seed: String(i), prefix, positions: Int32Array.from({ length: 3 * cut }, (_, i) => i % cut), next: cut, segments: [{ kind: 'sample', ids: ids.slice(cut), labels: labels.slice(cut) }], pixels: pixelBytes(frames, preprocessor).pixel_values, grid };
}

function batchOf({ config }: Qwen2VL, sample: Sample, scale: number): Batch {
  const { vision_config: vision, hidden_size, num_attention_heads, rope_theta, rope_scaling } = config;
  const [T, h, w] = sample.grid;
  const head_dim = vision.embed_dim / vision.num_heads;
  const space = spaceTables(h, w, head_dim, vision.spatial_merge_size), time = timeTables(T, head_dim);
  return packBatch([sample], {
    videoToken: config.video_token_id,
    average: 'clip',
    scale,
    visionTables: { space_cos: space.cos, space_sin: space.sin, time_cos: time.cos, time_sin: time.sin },
    rope: (positions) => mropeTables(positions, { head_dim: hidden_size / num_attention_heads, rope_theta, mrope_section: rope_scaling.mrope_section }),
  });
}

/** The sample of the backward pass as training on data files packs it, labels included. */
async function conversationOf({ samples, backward: { sample } }: TrainingFile, { dir, config }: Qwen2VL, pixels: Uint8Array): Promise<Batch> {
  const { messages, video_grid_thw } = samples[sample];
  const read = textReader(dir);
  const plans = video_grid_thw.map((grid) => ({ kind: 'video' as const, grid, tokens: visualTokens(grid, config.vision_config.spatial_merge_size), second_per_grid_t: null }));
  const encoded = encodeDialogue({ id: null, messages, media: [], unlearnt: [] }, plans, { tokenizer: await loadTokenizer(read), template: await loadChatTemplate(read), config, learn: 'every' });
  const positions = textPositions(0, encoded.ids.length, 0); // see sampleOf
  return packConversation({ name: String(sample), ...encoded, positions, items: [{ kind: 'video', grid: video_grid_thw[0], pixels }] }, config, { average: 'clip', scale: 1, scope: 'item' });
}

/** The loss, the norm of every gradient, and the entries of those that are stored. */
async function checkBackward(name: string, runtime: Runtime, model: Qwen2VL, stored: Weights, { backward }: TrainingFile, batch: Batch): Promise<Row> {
  const values = new Map([...parameterShapes(model.config)].map(([name, shape]) => [name, input(`param:${name}`, 'float32', shape)]));
  const { loss } = forward(Params.from((tensor) => values.get(tensor)), model.config, model.preprocessor, batch.runs === undefined ? 'clips' : { runs: batch.runs });
  const names = Object.keys(backward.grad_norms);
  const gradients = grad(loss, names.map((tensor) => values.get(tensor)!));
  const program = await runtime.compile(graph({ loss, ...Object.fromEntries(names.map((tensor, i) => [`g:${tensor}`, gradients[i]])) }));
  const feeds: Record<string, Tensor> = { ...batch.feeds };
  for (const [tensor, shape] of parameterShapes(model.config)) feeds[`param:${tensor}`] = { dtype: 'float32', dims: shape, data: await model.weights.readF32(model.storedName(tensor)) };
  const out = await program.run(feeds);
  let worst = { name: 'loss', deviation: Math.abs(Number(out.loss.data[0]) - backward.loss) / backward.loss };
  let compared = 0;
  for (const tensor of names) {
    const g = out[`g:${tensor}`].data as Float32Array;
    const norm = Math.abs(Math.sqrt(g.reduce((sum, x) => sum + x * x, 0)) - backward.grad_norms[tensor]) / backward.grad_norms[tensor];
    const entries = stored.has(`backward.${tensor}`) ? (compared++, deviation(g, await stored.readF32(`backward.${tensor}`))) : 0;
    if (!(Math.max(norm, entries) <= worst.deviation)) worst = { name: tensor, deviation: Math.max(norm, entries) };
  }
  return { name, ok: worst.deviation <= TOLERANCE, deviation: worst.deviation, note: `norms of ${names.length} gradients, entries of ${compared}; worst: ${worst.name}` };
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>) => a.length === b.length && Array.from(a).every((x, i) => x === b[i]);
