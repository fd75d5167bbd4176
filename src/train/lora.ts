/** Low-rank adapters in training: the recipe's field `lora`, what they start from, and how a layer gets at its own. */
import { random } from '../clips/index.ts';
import { constant, input, type Tensor, type Value } from '../graph/index.ts';
import { checkPatterns, parsePatterns } from '../models/adapter-config.ts';
import type { Fields } from '../models/fields.ts';
import { keyPattern, linearLayers, loraA, loraB, loraLayers, type LoraConfig, type LoraLayer } from '../models/lora.ts';
import { dropout, type Lora } from '../nn/index.ts';
import type { Sizes } from './batch.ts';

/** The recipe's field. What of the model is trained whole gets none: `trainable` says that. */
export type LoraSettings = Pick<LoraConfig, 'r' | 'alpha' | 'dropout' | 'targets' | 'rank_pattern' | 'alpha_pattern'>;

/** Adapters of a run: for which layers, and the chance of dropout. */
export type LoraTraining = { layers: readonly LoraLayer[]; dropout: number };

/** @throws RECIPE */
export function parseLora(fields: Fields): LoraSettings {
  const r = fields.integer('r', undefined, { max: 65536 });
  const settings: LoraSettings = {
    r,
    alpha: fields.number('alpha', r, { min: 0 }),
    dropout: fields.number('dropout', 0, { min: 0, max: 0.99 }),
    targets: typeof fields.json.targets === 'string' ? fields.string('targets') : fields.list('targets', (v): v is string => typeof v === 'string' && v !== '', 'names of linear layers or the ends of names, for example "attn.qkv" and "q_proj"'),
    ...parsePatterns(fields),
  };
  if (typeof settings.targets === 'string') checkPatterns(fields, 'targets', [settings.targets]);
  fields.done();
  return settings;
}

/** The layers that get an adapter. @param whole names of the tensors that are trained themselves  @throws RECIPE through `refuse` for a target or a pattern that fits none */
export function trainedLayers(settings: LoraSettings, shapes: ReadonlyMap<string, readonly number[]>, whole: ReadonlySet<string>, refuse: (field: 'targets' | 'rank_pattern' | 'alpha_pattern', why: string) => never): LoraLayer[] {
  const all = linearLayers(shapes);
  const free = new Map([...all].filter(([module]) => !whole.has(`${module}.weight`) && !whole.has(`${module}.bias`)));
  const config: LoraConfig = { ...settings, modules_to_save: [] };
  for (const target of [settings.targets].flat()) {
    const targets = typeof settings.targets === 'string' ? target : [target];
    if (loraLayers({ ...config, targets }, free).length > 0) continue;
    refuse('targets', loraLayers({ ...config, targets }, all).length > 0 ? `all layers called "${target}" are trained whole already` : `the model has no linear layer "${target}"`);
  }
  const layers = loraLayers(config, free);
  for (const field of ['rank_pattern', 'alpha_pattern'] as const)
    for (const key of Object.keys(settings[field])) if (!layers.some(({ module }) => keyPattern(key).test(module))) refuse(field, `no layer with an adapter is called "${key}"`);
  return layers;
}

/** A as torch's Linear starts (Kaiming, a = √5: uniform in ±1/√in), B zero: an adapter changes nothing at first. Each tensor's numbers depend on the seed and its name alone. */
export function startLora(layers: readonly LoraLayer[], seed: number): Map<string, { shape: number[]; data: Float32Array }> {
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const { module, in: width, out, r } of layers) {
    const { range } = random(seed, loraA(module));
    const bound = 1 / Math.sqrt(width);
    weights.set(loraA(module), { shape: [r, width], data: Float32Array.from({ length: r * width }, () => range(-bound, bound)) });
    weights.set(loraB(module), { shape: [out, r], data: new Float32Array(out * r) });
  }
  return weights;
}

/** Input of the graphs of a run with dropout: random numbers for the rows of its layers, see {@link dropoutRows}. */
export const DROPOUT = 'dropout_rows';

/** How the model finds a layer's adapter. @param find a tensor by its name */
export function findLora({ layers, dropout: rate }: LoraTraining, find: (name: string) => Value | undefined): (module: string) => Lora | undefined {
  const table = new Map(layers.map((layer) => [layer.module, layer]));
  const rows = input(DROPOUT, 'float32', ['R']);
  return (module) => {
    const layer = table.get(module);
    if (layer === undefined) return undefined;
    const lora: Lora = { A: find(loraA(module))!, B: find(loraB(module))!, scale: layer.scale };
    if (rate === 0) return lora;
    const { range } = random(DROPOUT, module);
    const columns = constant(Float32Array.from({ length: layer.in }, () => range(1, 2)), 'float32', [layer.in]);
    return { ...lora, dropout: (x) => dropout(x, rate, rows, columns) };
  };
}

/** The numbers for a micro-batch: as many as the layer with most rows has. */
export function dropoutRows(seed: number, index: number, { rows }: Pick<Sizes, 'rows'>): Tensor {
  const { range } = random(seed, DROPOUT, index);
  return { dtype: 'float32', dims: [rows], data: Float32Array.from({ length: rows }, () => range(256, 1024)) };
}
