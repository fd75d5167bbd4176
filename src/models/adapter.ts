/** A low-rank adapter as PEFT saves it: adapter_config.json and adapter_model.safetensors, held against the model that it is to be used with. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { openWeights, type TensorInfo, type Weights } from '../weights/index.ts';
import { misfit, parseAdapterConfig, type AdapterConfig } from './adapter-config.ts';
import { floats, readJson } from './checkpoint.ts';
import { linearLayers, loraA, loraB, loraLayers, type LoraLayer } from './lora.ts';

export type Adapter = {
  dir: string;
  config: AdapterConfig;
  weights: Weights;
  /** Of each layer with an adapter, by the model's name for it. */
  layers: Map<string, LoraLayer & { A: TensorInfo; B: TensorInfo }>;
  /** Tensors that were trained whole and stand in for the model's, by the model's name. */
  whole: Map<string, TensorInfo>;
  /** Number of weights that it adds. */
  parameters: number;
};

/** The model that an adapter is held against. */
export type Base = { dir: string; shapes: ReadonlyMap<string, readonly number[]> };

const PREFIX = 'base_model.model.';

/** What transformers 4.57 and later call a tensor; the model's own names are those before. */
const newerName = (name: string): string => name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.');

/** Opens an adapter and checks every tensor's name, shape and type against the model, and that none is missing. Close its weights.
 * @throws ADAPTER saying all that does not fit; MODEL_MISSING, WEIGHTS_CORRUPT */
export async function openAdapter(dir: string, base: Base): Promise<Adapter> {
  const json = await readJson(dir, 'adapter_config.json');
  if (json === undefined) throw await missing(dir);
  const config = parseAdapterConfig(json, join(dir, 'adapter_config.json'));
  const weights = await openWeights(join(dir, 'adapter_model.safetensors'));
  try {
    return match(dir, config, weights, base);
  } catch (error) {
    await weights.close();
    throw error;
  }
}

function match(dir: string, config: AdapterConfig, weights: Weights, { dir: baseDir, shapes }: Base): Adapter {
  const newer = [...weights.tensors.keys()].some((name) => /^base_model\.model\.model\.(visual|language_model)\./.test(name));
  const nameOf = newer ? newerName : (name: string) => name;
  const stored = new Map<string, TensorInfo>();
  const problems: string[] = [];
  for (const info of weights.tensors.values()) {
    if (info.name.startsWith(PREFIX)) stored.set(info.name.slice(PREFIX.length), info);
    else problems.push(`its tensor ${JSON.stringify(info.name)} does not begin with "${PREFIX}"`);
  }
  /** The tensor of that name, if it is what is wanted. */
  const take = (name: string, shape: readonly number[], field: string): TensorInfo | undefined => {
    const info = stored.get(name);
    stored.delete(name);
    if (info === undefined) problems.push(`it has no tensor "${PREFIX}${name}", which ${field} asks for`);
    else if (info.shape.join() !== shape.join()) problems.push(`its tensor "${info.name}" is [${info.shape.join(', ')}], the model asks for [${shape.join(', ')}]`);
    else if (!Object.hasOwn(floats, info.dtype)) problems.push(`its tensor "${info.name}" is ${info.dtype}, not one of ${Object.keys(floats).join(', ')}`);
    return info;
  };

  const layers: Adapter['layers'] = new Map();
  for (const layer of loraLayers(config, linearLayers(shapes), nameOf)) {
    const name = nameOf(layer.module);
    const A = take(loraA(name), [layer.r, layer.in], 'target_modules');
    const B = take(loraB(name), [layer.out, layer.r], 'target_modules');
    if (A && B) layers.set(layer.module, { ...layer, A, B });
  }
  const whole: Adapter['whole'] = new Map();
  for (const [name, shape] of shapes) {
    if (!stored.has(nameOf(name)) && !isInside(nameOf(name), config.modules_to_save)) continue;
    const info = take(nameOf(name), shape, 'modules_to_save');
    if (info) whole.set(name, info);
  }
  for (const { name } of stored.values()) problems.push(`the model has no place for its tensor ${JSON.stringify(name)}`);
  if (problems.length > 0) throw misfit(dir, baseDir, problems, advice(config, shapes));
  const parameters = [...layers.values()].reduce((sum, { r, in: width, out }) => sum + r * (width + out), 0);
  return { dir, config, weights, layers, whole, parameters };
}

/** Whether a tensor is part of one of the modules; PEFT goes by the ends of names, dot or not. */
function isInside(name: string, modules: readonly string[]): boolean {
  const parts = name.split('.');
  return parts.some((_, i) => i > 0 && modules.some((module) => parts.slice(0, i).join('.').endsWith(module)));
}

function advice({ base, modules_to_save }: AdapterConfig, shapes: Base['shapes']): string {
  if (modules_to_save.includes('temp_attn') && ![...shapes.keys()].some((name) => name.includes('.temp_attn.'))) return 'it was trained on a model with temporal attention: use that model, or put temporal attention into this one first (stave insert)';
  return `use it with the model that it was trained on${base === undefined ? '' : `, ${JSON.stringify(base)}`}`;
}

async function missing(dir: string): Promise<StaveError> {
  const there = await stat(dir).catch(() => undefined);
  const what = there === undefined ? `there is no adapter directory ${dir}` : there.isDirectory() ? `${dir} has no adapter_config.json` : `${dir} is not a directory`;
  return new StaveError('MODEL_MISSING', { what, fix: 'give a directory with adapter_config.json and adapter_model.safetensors, as PEFT saves it' });
}
