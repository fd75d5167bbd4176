/** The two stages of the training reference set: temporal attention alone, then with low-rank adapters; the adapter's files, and the model it is merged into. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mergeAdapter } from '../../src/checkpoints/merge.ts';
import { saveAdapter } from '../../src/checkpoints/save-adapter.ts';
import { graph, type Tensor } from '../../src/graph/index.ts';
import { parseAdapterConfig } from '../../src/models/adapter-config.ts';
import { checkpointParams } from '../../src/models/checkpoint-params.ts';
import { readJson } from '../../src/models/checkpoint.ts';
import { linearLayers, loraLayers, type LoraConfig } from '../../src/models/lora.ts';
import { openQwen2VL, parameterShapes, type Qwen2VL } from '../../src/models/qwen2vl/index.ts';
import type { Runtime } from '../../src/runtime/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import { trainEngine } from '../../src/train/engine.ts';
import { startLora, type LoraTraining } from '../../src/train/lora.ts';
import { scheduleFactor, type Schedule } from '../../src/train/schedule.ts';
import { forward, trainGraphs, type ModelTensor } from '../../src/train/step.ts';
import { openWeights, type Weights } from '../../src/weights/index.ts';
import { deviation, type Row } from './compare.ts';

type Log = { step: number; loss: number; grad_norm: number; learning_rate: number }[];
type Stage = {
  trainable: string[];
  optimizer: { lr: number; betas: [number, number]; eps: number; weight_decay: number; max_grad_norm: number };
  schedule: { name: Schedule['name']; warmup_steps: number; total_steps: number };
  gradient_accumulation_steps: number;
  log: Log;
};
/** Beside r, alpha and dropout of all layers: those of some, by the end of their names. */
type StoredLora = { r: number; alpha: number; dropout: number; [end: string]: number | { r: number; alpha: number } };
export type StagesFile = { stage1: Stage; stage2: Stage & { lora: StoredLora } };

/** What the stages are trained on: each sample as a micro-batch whose loss has the given factor. */
export type Lesson = { dir: string; runtime: Runtime; model: Qwen2VL; stored: Weights; batches: ((scale: number) => Batch)[] };

type Trained = Map<string, { shape: number[]; data: Float32Array }>;

const TOLERANCE = 1e-4;

/** Temporal attention and norm3 alone: loss, gradient norm and learning rate of each update, and the weights they end with. */
export async function checkStage1(lesson: Lesson, { stage1 }: StagesFile): Promise<Row[]> {
  const { rows, final } = await trainStage(lesson, 'stage1', stage1, await readBase(lesson.model, stage1.trainable));
  const recorded = [...final].map(([name, { data }]) => ({ name, data, stored: `stage1.${name}` }));
  return [...rows, await compare('stage1 final weights', recorded, lesson.stored)];
}

/** Those and LoRA. The adapter that comes out is saved, and merged with the model, as PEFT's own is. */
export async function checkStage2(lesson: Lesson, { stage2 }: StagesFile): Promise<Row[]> {
  const { dir, model, stored } = lesson;
  const adapter = existsSync(join(dir, 'adapter')) ? join(dir, 'adapter') : undefined;
  const config = await loraConfig(stage2, adapter);
  const layers = loraLayers(config, linearLayers(parameterShapes(model.config)));
  const weights: Trained = new Map([...(await readBase(model, stage2.trainable.map(plainName))), ...startLora(layers, 0)]);
  for (const [name, tensor] of weights) if (stored.has(`stage2.init.${name}`)) tensor.data = await stored.readF32(`stage2.init.${name}`);
  const wanted = new Set(stage2.trainable.map(plainName));
  const matched = wanted.size === weights.size && [...weights.keys()].every((name) => wanted.has(name));
  const { rows, final } = await trainStage(lesson, 'stage2', stage2, weights, { layers, dropout: config.dropout });

  const folder = await mkdtemp(join(tmpdir(), 'stave-conformance-'));
  try {
    const saved = join(folder, 'adapter');
    await saveAdapter(saved, { config, layers, tensors: final, shapes: parameterShapes(model.config), base_model_name_or_path: null });
    return [
      { name: 'stage2 layers', ok: matched, note: matched ? `${layers.length} adapters, ${weights.size - 2 * layers.length} tensors trained whole` : 'other tensors are trained than in the reference' },
      ...rows,
      ...(adapter === undefined ? [] : [await checkFiles(saved, adapter)]),
      ...(await checkMerged(lesson, 'stage2', saved, join(folder, 'merged'))),
      ...(adapter === undefined ? [] : await checkMerged(lesson, 'adapter', adapter, join(folder, 'peft'))),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The targets are those of PEFT's adapter; without one, the names of the reference's trained matrices. */
async function loraConfig({ lora: { r, alpha, dropout, ...some }, trainable }: StagesFile['stage2'], adapter: string | undefined): Promise<LoraConfig> {
  if (adapter !== undefined) return parseAdapterConfig(await readJson(adapter, 'adapter_config.json'), join(adapter, 'adapter_config.json'));
  const entries = Object.entries(some as Record<string, { r: number; alpha: number }>);
  const pattern = (key: 'r' | 'alpha') => Object.fromEntries(entries.map(([end, value]) => [end, value[key]]));
  const targets = trainable.filter((name) => name.includes('.lora_A.')).map((name) => name.split('.lora_A.')[0]);
  return { r, alpha, dropout, targets, rank_pattern: pattern('r'), alpha_pattern: pattern('alpha'), modules_to_save: [] };
}

/** PEFT's names in a model under training → ours. */
const plainName = (name: string): string => name.replace('.modules_to_save.default', '').replace(/\.(lora_[AB])\.default/, '.$1');

async function readBase({ config, weights, storedName }: Qwen2VL, trainable: readonly string[]): Promise<Trained> {
  const wanted = new Set(trainable);
  const trained: Trained = new Map();
  for (const [name, shape] of parameterShapes(config)) if (wanted.has(name)) trained.set(name, { shape, data: await weights.readF32(storedName(name)) });
  return trained;
}

/** Runs the stage's updates from these weights. */
async function trainStage({ runtime, model, batches }: Lesson, name: string, { optimizer, schedule, gradient_accumulation_steps: accumulate, log }: Stage, weights: Trained, lora?: LoraTraining): Promise<{ rows: Row[]; final: Trained }> {
  const tensors = new Map<string, ModelTensor>([...weights].map(([trained, { shape }]) => [trained, { shape, source: null }]));
  for (const [frozen, shape] of parameterShapes(model.config)) if (!tensors.has(frozen)) tensors.set(frozen, { shape, source: { data: await model.weights.readF32(model.storedName(frozen)) } });
  const zeros = () => new Map([...weights].map(([trained, { data }]) => [trained, new Float32Array(data.length)]));
  const settings = { ...optimizer, decay: 'all' as const };
  const engine = await trainEngine(runtime, trainGraphs(tensors, model.config, settings, model.preprocessor, lora), { step: 0, weights, m: zeros(), v: zeros() }, settings, accumulate);
  const worst = { losses: 0, 'gradient norms': 0, 'learning rates': 0 };
  for (const [step, expected] of log.entries()) {
    const lr = settings.lr * scheduleFactor(schedule, step);
    const micro = Array.from({ length: accumulate }, (_, k) => batches[(step * accumulate + k) % batches.length](1 / accumulate));
    const { loss, grad_norm } = await engine.update(micro, lr);
    worst.losses = Math.max(worst.losses, relative(loss, expected.loss));
    worst['gradient norms'] = Math.max(worst['gradient norms'], relative(grad_norm, expected.grad_norm));
    worst['learning rates'] = Math.max(worst['learning rates'], relative(lr, expected.learning_rate));
  }
  return { rows: Object.entries(worst).map(([what, d]) => row(`${name} ${what}`, d)), final: (await engine.state()).weights };
}

/** An adapter's tensors against PEFT's: the same names and shapes, and numbers close to. */
async function checkFiles(saved: string, peft: string): Promise<Row> {
  await using ours = await openWeights(join(saved, 'adapter_model.safetensors'));
  await using theirs = await openWeights(join(peft, 'adapter_model.safetensors'));
  const name = 'stage2 adapter';
  if (list(ours) !== list(theirs)) return { name, ok: false, note: 'its tensors have other names or shapes than PEFT\'s' };
  const tensors = [];
  for (const tensor of ours.tensors.keys()) tensors.push({ name: tensor, data: await ours.readF32(tensor), stored: tensor });
  return await compare(name, tensors, theirs); // before its files are closed
}

const list = ({ tensors }: Weights): string => [...tensors.values()].map((info) => `${info.name} [${info.shape.join()}]`).toSorted().join('; ');

/** The merged model's recorded tensors and its logits, and the logits with the adapter beside the weights. */
async function checkMerged({ runtime, model, stored, batches }: Lesson, name: string, adapter: string, out: string): Promise<Row[]> {
  await mergeAdapter(model.dir, adapter, out, { dtype: 'F32' });
  const merged = await openQwen2VL(out);
  await using _ = merged.weights;
  const tensors = [];
  for (const tensor of parameterShapes(model.config).keys()) if (stored.has(`stage2.merged.${tensor}`)) tensors.push({ name: tensor, data: await merged.weights.readF32(merged.storedName(tensor)), stored: `stage2.merged.${tensor}` });
  const beside = await openQwen2VL(model.dir, { adapter });
  await Promise.all([beside.weights.close(), beside.adapter!.weights.close()]);
  const rows = [await compare(`${name} merged weights`, tensors, stored)];
  for (const [what, params] of [['merged logits', checkpointParams(merged.weights, merged.storedName)], ['logits beside the weights', checkpointParams(beside.weights, beside.storedName, beside.adapter)]] as const) {
    const sample = Number([...stored.tensors.keys()].find((tensor) => tensor.startsWith('stage2.merged.logits_sample'))?.slice('stage2.merged.logits_sample'.length));
    if (Number.isNaN(sample)) continue;
    const key = `stage2.merged.logits_sample${sample}`;
    const program = await runtime.compile(graph({ logits: forward(params, model.config, model.preprocessor).logits }));
    const [positions] = stored.info(key).shape;
    const given: Record<string, Tensor> = { ...batches[sample](1).feeds, logits_index: { dtype: 'int64', dims: [positions], data: BigInt64Array.from({ length: positions }, (_, i) => BigInt(i)) } };
    const { logits } = await program.run(Object.fromEntries(program.inputs.map((port) => [port.name, given[port.name]])));
    rows.push(row(`${name} ${what}`, deviation(logits.data, await stored.readF32(key))));
  }
  return rows;
}

/** The worst of several tensors. */
async function compare(name: string, tensors: { name: string; data: Float32Array; stored: string }[], recorded: Weights): Promise<Row> {
  let worst = { name: '', deviation: 0 };
  for (const tensor of tensors) {
    const d = deviation(tensor.data, await recorded.readF32(tensor.stored));
    if (!(d <= worst.deviation)) worst = { name: tensor.name, deviation: d };
  }
  return { ...row(name, worst.deviation), note: `${tensors.length} tensors; worst: ${worst.name}` };
}

const row = (name: string, d: number): Row => ({ name, ok: d <= TOLERANCE, deviation: d });
const relative = (value: number, wanted: number) => (wanted === 0 ? Math.abs(value) : Math.abs(value - wanted) / Math.abs(wanted));
