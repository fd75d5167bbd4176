/** What a run ends with: the model as a checkpoint, and with adapters these in PEFT's files, too. */
import { join } from 'node:path';
import { merger } from '../checkpoints/merge.ts';
import { saveAdapter, type SavedAdapter } from '../checkpoints/save-adapter.ts';
import { boundedBy } from '../data/media.ts';
import { isLora, loraA, loraB } from '../models/lora.ts';
import type { Runtime } from '../runtime/index.ts';
import type { TrainState } from './checkpoint.ts';
import { boundedJson, exportModel, preprocessorJson } from './export.ts';
import type { LoraSettings } from './lora.ts';
import { savedConfig, type TrainModel } from './model.ts';
import type { Recipe } from './recipe.ts';

/** Writes `<out>/model`, adapters merged into its weights, and with adapters `<out>/adapter`. Frozen tensors are read one at a time. @throws IO */
export async function saveModel(recipe: Recipe, model: TrainModel, weights: TrainState['weights'], runtime: Runtime): Promise<{ model: string; adapter?: string }> {
  const layers = new Map(model.lora.layers.map((layer) => [`${layer.module}.weight`, layer]));
  const merge = layers.size === 0 ? undefined : await merger(runtime);
  const dataOf = (name: string): Float32Array | (() => Promise<Float32Array>) => {
    const layer = layers.get(name);
    if (layer) return async () => merge!(await model.read(name), layer, weights.get(loraA(layer.module))!.data, weights.get(loraB(layer.module))!.data);
    return weights.get(name)?.data ?? (() => model.read(name));
  };
  const directory = join(recipe.out, 'model');
  const adapter = recipe.lora === undefined ? undefined : join(recipe.out, 'adapter');
  if (adapter !== undefined) await saveAdapter(adapter, await adapterOf(recipe.lora!, recipe.init, model, weights));
  await exportModel(directory, {
    config: savedConfig(model.config, recipe),
    weights: [...model.shapes].map(([name, shape]) => [model.storedName(name), { shape, data: dataOf(name) }]),
    dtype: recipe.dtype,
    tokenizer: recipe.tokenizer,
    preprocessors: preprocessorsOf(recipe, model),
    eos_token_id: model.config.eos_token_id,
    pad_token_id: model.config.pad_token_id ?? model.config.eos_token_id[0],
  });
  return { model: directory, ...(adapter !== undefined && { adapter }) };
}

/** Motion-10's frames are prepared in one way, whatever the checkpoint's were; others as the checkpoint has it, within the recipe's bounds. */
function preprocessorsOf({ data }: Recipe, { preprocessor, preprocessor_files }: TrainModel): { name: string; said: unknown }[] {
  if (data.task === 'motion10') return [{ name: 'preprocessor_config.json', said: preprocessorJson(data) }];
  const { image, video } = boundedBy(preprocessor, data);
  return preprocessor_files.map(({ name, said }) => {
    const { min_pixels, max_pixels } = name === 'video_preprocessor_config.json' ? video : image;
    return { name, said: boundedJson(said ?? preprocessorJson({ min_pixels, max_pixels }), { min_pixels, max_pixels }) };
  });
}

/** The module of a tensor. */
const parent = (name: string): string => name.slice(0, name.lastIndexOf('.'));

/** The adapters' matrices and all tensors of the modules that were trained, by the base's names: PEFT knows whole modules alone. */
async function adapterOf(config: LoraSettings, base: string | null, { lora: { layers }, shapes, read, storedName }: TrainModel, weights: TrainState['weights']): Promise<SavedAdapter> {
  const modules = new Set([...weights.keys()].filter((name) => !isLora(name)).map(parent));
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, tensor] of weights) if (isLora(name)) tensors.set(storedName(name), tensor);
  for (const [name, shape] of shapes) if (modules.has(parent(name))) tensors.set(storedName(name), weights.get(name) ?? { shape, data: await read(name) });
  return {
    config,
    layers: layers.map((layer) => ({ ...layer, module: storedName(layer.module) })),
    tensors,
    shapes: new Map([...shapes].map(([name, shape]) => [storedName(name), shape])),
    base_model_name_or_path: base,
  };
}
