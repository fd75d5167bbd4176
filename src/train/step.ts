import { argMax, concat, constant, dim, grad, graph, initializer, input, type Block, type Dim, type DType, type Graph, type TensorSource, type Value } from '../graph/index.ts';
import { isLora } from '../models/lora.ts';
import { languageModel, patchValues, tableInputs, visionTower, type PreprocessorConfig, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { Params } from '../nn/index.ts';
import { ratesOf } from './groups.ts';
import { findLora, type LoraTraining } from './lora.ts';
import { negativeLogLikelihood, weightedLoss } from './loss.ts';
import { isMuons } from './muon.ts';
import { adamW, clipFactor, muon, stepInputs, type AdamWSettings } from './optimizer.ts';

/** A tensor of the model: trained (a graph input kept in the runtime) or frozen (part of the graph, in memory or where it lies in the checkpoint's file). dtype of a frozen one: float32 if absent. */
export type ModelTensor = { shape: readonly number[]; source: TensorSource | null; dtype?: DType };

/** Graphs of a training run over symbolic batch sizes: B clips, T frame groups, M visual tokens a group, S positions, L labelled ones. */
export type TrainGraphs = {
  /** One update from one batch: gradients, clipping and AdamW. */
  step: Graph;
  /** Adds a micro-batch's gradients to those kept. */
  accumulate: Graph;
  /** The update from the gradients kept. */
  apply: Graph;
  /** nll and argmax of every label. */
  evaluate: Graph;
  /** Zero for every layer, in order, and for every gradient, where all of its numbers are finite; not a number where some are not. Made when something went wrong. */
  diagnose(): Graph;
};

/** Prefix of an output that takes the place of the input of the same name in the next step. */
export const NEXT = 'next.';

/** Mean and deviation by channel, of values in 0 … 1. */
export type Normalize = Pick<PreprocessorConfig, 'image_mean' | 'image_std'>;

export type Forward = {
  loss: Value;
  nll: Value;
  logits: Value;
  /** What comes out of each part of the model, in order, by the part's name in the checkpoint. */
  layers: [name: string, value: Value][];
  /** The blocks of the vision encoder and of the language model. */
  blocks: Block[];
};

/** What a batch is made of: `clips` of one grid side by side, each with a row of tokens; or one conversation, whose videos and images go through the vision encoder in so many
 * runs (inputs of the second one end in _1, and so on). */
export type Layout = 'clips' | { runs: number };

function symbols(layout: Layout): { /** Of the clips of a run. */ clips: string; /** Of tokens. */ rows: Dim; runs: string[] } {
  if (layout === 'clips') return { clips: 'B', rows: 'B', runs: [''] };
  return { clips: 'C', rows: 1, runs: Array.from({ length: layout.runs }, (_, run) => suffixOf(run)) };
}

/** What names of inputs end in that belong to a run of the vision encoder. */
export const suffixOf = (run: number): string => (run === 0 ? '' : `_${run}`);

/** The graph inputs and the loss of a batch. */
export function forward(p: Params, config: Qwen2VLConfig, normalize: Normalize, layout: Layout = 'clips'): Forward {
  const { vision_config: vision } = config;
  const { clips, rows, runs } = symbols(layout);
  const towers = runs.map((run) => {
    const pixels = input(`pixel_values${run}`, 'uint8', [`${clips}${run}`, `T${run}`, dim.mul(vision.spatial_merge_size ** 2, `M${run}`), patchValues(vision)]);
    const { rope, windows } = tableInputs(vision, run);
    return visionTower(p.at('visual'), normalizePixels(pixels, vision.in_channels, normalize), rope, vision, windows);
  });
  const embeds = towers.map((tower) => tower.embeds);
  const d = config.hidden_size / config.num_attention_heads;
  const { logits, hidden } = languageModel(
    { model: p.at('model'), head: config.tie_word_embeddings ? undefined : p.at('lm_head') },
    {
      input_ids: input('input_ids', 'int64', [rows, 'S']),
      visual_embeds: embeds.length === 1 ? embeds[0] : embeds.length === 0 ? input('visual_embeds', 'float32', ['V', config.hidden_size]) : concat(embeds, 0),
      embed_index: input('embed_index', 'int64', [dim.mul(rows, 'S')]),
      cos: input('cos', 'float32', [rows, 'S', d]),
      sin: input('sin', 'float32', [rows, 'S', d]),
      attention_bias: input('attention_bias', 'float32', [rows, 1, 'S', 'S']),
      logits_index: input('logits_index', 'int64', ['L']),
    },
    config,
  ); // [L, vocab]
  const nll = negativeLogLikelihood(logits, input('labels', 'int64', ['L'])); // [L]
  const vision_layers = towers.flatMap(({ patches, hidden: after, embeds: out }, i): Forward['layers'] => [
    [`visual.patch_embed${runs[i]}`, patches],
    ...after.map((x, k): [string, Value] => [`visual.blocks.${k}${runs[i]}`, x]),
    [`visual.merger${runs[i]}`, out],
  ]);
  const [first, ...after] = hidden;
  return {
    loss: weightedLoss(nll, input('loss_weight', 'float32', ['L'])),
    nll,
    logits,
    layers: [...vision_layers, ['model.embed_tokens', first], ...after.map((x, k): [string, Value] => [`model.layers.${k}`, x]), ['lm_head', logits]],
    blocks: [...towers.map(({ patches, hidden: ends }) => [patches, ...ends]), hidden].flatMap((cuts) => cuts.slice(1).map((output, i) => ({ input: cuts[i], output }))),
  };
}

/** Bytes as the processor's numbers: (x / 255 − mean) / std by channel. A quarter of the memory traffic of feeding floats.
 * x: uint8 [B, T, N, C·rest] → float32 of the same shape */
function normalizePixels(x: Value, channels: number, { image_mean: mean, image_std: std }: Normalize): Value {
  const size = Number(x.shape[3]), rest = size / channels;
  const scale = Float32Array.from({ length: size }, (_, i) => 1 / (255 * std[Math.floor(i / rest)]));
  const shift = Float32Array.from({ length: size }, (_, i) => -mean[Math.floor(i / rest)] / std[Math.floor(i / rest)]);
  return x.cast('float32').mul(constant(scale, 'float32', [size])).add(constant(shift, 'float32', [size]));
}

/** Builds the four graphs. `tensors` lists the model's tensors by checkpoint name; those without a source are trained.
 * @param lora low-rank adapters, whose matrices are among the tensors  @param recompute the backward pass computes each block's values again instead of keeping them */
export function trainGraphs(tensors: ReadonlyMap<string, ModelTensor>, config: Qwen2VLConfig, settings: AdamWSettings, normalize: Normalize, lora: LoraTraining = { layers: [], dropout: 0 }, layout: Layout = 'clips', recompute = false): TrainGraphs {
  const values = new Map([...tensors].map(([name, tensor]) => [name, valueOf(name, tensor)]));
  const trained = [...tensors].filter(([, tensor]) => tensor.source === null).map(([name]) => name);
  const find = (name: string) => values.get(name);
  const model = (dropout: number) => forward(Params.from(find, findLora({ ...lora, dropout }, find)), config, normalize, layout);
  const { loss, blocks, layers, ...training } = model(lora.dropout);
  const { nll, logits } = lora.dropout === 0 ? training : model(0);
  const gradients = grad(loss, trained.map((name) => values.get(name)!), { recompute: recompute ? blocks : [] });
  const kept = trained.map((name) => input(`g:${name}`, 'float32', [...tensors.get(name)!.shape]));

  const accumulated: Record<string, Value> = { loss };
  trained.forEach((name, i) => (accumulated[`${NEXT}g:${name}`] = kept[i].add(gradients[i])));
  const update = (g: Value[]) => updateOutputs(trained, values, g, settings);
  return {
    step: graph({ loss, ...update(gradients) }),
    accumulate: graph(accumulated),
    apply: graph(update(kept)),
    evaluate: graph({ nll, predicted: argMax(logits, 1) }),
    diagnose: () => graph(Object.fromEntries([...layers, ...trained.map((name, i): [string, Value] => [`the gradient of ${name}`, gradients[i]])].map(([name, value]) => [name, value.mul(0).sum()]))),
  };
}

function valueOf(name: string, { shape, source, dtype = 'float32' }: ModelTensor): Value {
  return source === null ? input(`param:${name}`, 'float32', [...shape]) : initializer(name, dtype, shape, source).cast('float32');
}

/** One update of the tensors from their gradients: their norm together, and what takes the place of each tensor and its moments. */
export function updateOutputs(names: readonly string[], values: ReadonlyMap<string, Value>, gradients: readonly Value[], settings: AdamWSettings): Record<string, Value> {
  const { norm, factor } = clipFactor(gradients, settings.max_grad_norm);
  const step = stepInputs();
  const outputs: Record<string, Value> = { grad_norm: norm };
  names.forEach((name, i) => {
    const w = values.get(name)!;
    const shape = w.shape.map(Number);
    const moment = (kind: string) => input(`${kind}:${name}`, 'float32', shape);
    const next = (settings.muon && isMuons(name, shape) && !isLora(name) ? muon : adamW)(w, gradients[i].mul(factor), moment('m'), moment('v'), step, settings, ratesOf(name, settings));
    outputs[`${NEXT}param:${name}`] = next.w;
    outputs[`${NEXT}m:${name}`] = next.m;
    outputs[`${NEXT}v:${name}`] = next.v;
  });
  return outputs;
}
