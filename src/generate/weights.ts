/** Which weights a model is loaded with: its own, or a converted copy of them that is made once and kept. */
import { keptCopy } from '../checkpoints/index.ts';
import { StaveError } from '../errors.ts';
import { findModel, modelName } from '../hub/find.ts';
import { fingerprint } from '../models/fingerprint.ts';
import { openQwen2VL, type Qwen2VL } from '../models/qwen2vl/index.ts';
import { parseWeights, parts, tied, typesText, type WeightTypes } from '../models/weight-types.ts';
import type { Lighter } from './fitting.ts';
import { machineMemory } from './machine.ts';
import type { ModelFiles } from './model-files.ts';
import { weightBytes } from './weight-bytes.ts';

export type WeightsOptions = {
  /** `auto`, `f32`, `f16`, `int8`, `w8a8`, `int4`, or types of parts like `vision:int8,language:int4`. With `auto` small models are used as they are, large ones in 8 bits, or 4 where 8 would
   * take more than half of the memory. A converted copy is made once and kept in a cache. Default: auto. */
  weights?: string;
  /** Called while a copy is made, with the bytes of the original that are done; `waiting`: another process makes it. */
  onConvert?: (progress: { done: number; total: number; types: WeightTypes; waiting?: string }) => void;
  signal?: AbortSignal;
};

/** Where a model is loaded from. `dir`: the model's own directory; `loaded`: that or a copy's. */
export type Located = { name: string; dir: string; loaded: string };

/** Weights up to this number are used as they are: converting them would save little. */
const SMALL = 300e6;

/** Finds a model and, where weights are asked for that it has not, a copy with them; makes that copy if it is not there yet. @throws USAGE for weights that can't be; MODEL_…, WEIGHT…; IO */
export async function locate(model: string, { weights = 'auto', onConvert, signal }: WeightsOptions = {}): Promise<Located> {
  const dir = await findModel(model);
  const opened = await openQwen2VL(dir, { packed: true });
  await opened.weights.close();
  const types = chooseWeights(opened, weights);
  const name = modelName(dir);
  if (types === undefined) return { name, dir, loaded: dir };
  const loaded = await keptCopy(dir, await fingerprint(dir, opened.weights), types, {
    name,
    signal,
    onProgress: (progress) => onConvert?.({ ...progress, types }),
    onWait: (waiting) => onConvert?.({ done: 0, total: 1, types, waiting }),
  });
  return { name, dir, loaded };
}

/** Types to convert to; undefined: the model is used as it is. @throws USAGE */
export function chooseWeights(model: Pick<Qwen2VL, 'dir' | 'config' | 'parameters' | 'weightTypes'>, text: string, memory: number = machineMemory()): WeightTypes | undefined {
  const { config, weightTypes: stored } = model;
  const asked = parseWeights(text);
  if (asked === 'auto') return config.quantization !== undefined || model.parameters <= SMALL ? undefined : automatic(model, memory);
  const types = tied(asked, config.tie_word_embeddings);
  const same = parts.every((part) => types[part] === stored[part]);
  if (same || (config.quantization === undefined && parts.every((part) => types[part] === 'f32'))) return undefined;
  if (config.quantization !== undefined)
    throw new StaveError('USAGE', { what: `the weights of ${model.dir} are ${typesText(stored)}, ${typesText(types)} is asked for`, why: 'what was converted is not converted again', fix: `leave --weights out, or give the checkpoint that it was made from${config.quantization.name === '' ? '' : `, ${JSON.stringify(config.quantization.name)}`}` });
  return types;
}

function automatic({ config }: Pick<Qwen2VL, 'config'>, memory: number): WeightTypes {
  const types = (text: string) => tied(parseWeights(text) as WeightTypes, config.tie_word_embeddings);
  return weightBytes(config, types('int8')) <= memory / 2 ? types('int8') : types('int4');
}

/** Settings of --weights under which a model takes less memory than it does, the more accurate first. */
export function lighterWeights({ model: { config, adapter }, weight_bytes }: Pick<ModelFiles, 'model' | 'weight_bytes'>): Lighter[] {
  const from_original = config.quantization !== undefined; // what was converted is not converted again
  return ['int8', 'int4'].map((weights) => {
    const types = tied(parseWeights(weights) as WeightTypes, config.tie_word_embeddings);
    return { weights, saved: weight_bytes - weightBytes(config, types) - 4 * (adapter?.parameters ?? 0), from_original };
  }).filter(({ saved }) => saved > 0);
}
