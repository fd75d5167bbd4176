import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { readJson, textReader } from '../models/checkpoint.ts';
import { Fields, type JsonObject } from '../models/fields.ts';
import { fingerprint } from '../models/fingerprint.ts';
import { parseGenerationConfig, type GenerationConfig } from '../models/generation-config.ts';
import { openQwen2VL, temporalHeads, type Qwen2VL } from '../models/qwen2vl/index.ts';
import type { Part } from '../models/weight-types.ts';
import { loadChatTemplate, loadTokenizer, type ChatTemplate, type Tokenizer } from '../text/index.ts';
import { defaultSampling, parseFrameSampling, type FrameSampling } from './frame-sampling.ts';
import type { Setting } from './settings.ts';
import { weightBytes } from './weight-bytes.ts';

/** A model directory, read and checked: all that a plan needs, and what the engine is loaded from. */
export type ModelFiles = {
  model: Qwen2VL;
  tokenizer: Tokenizer;
  template: ChatTemplate;
  generation: GenerationConfig;
  /** The fields that generation_config.json holds. */
  generationJson: JsonObject;
  /** Frames that the model was made for: `"stave": {"sampling": {"rule": "count", "frames": 16, "repeat": true}}` in config.json; without it the authors' rule. */
  sampling: Setting<FrameSampling>;
  /** Bytes that the weights take when they are loaded. */
  weight_bytes: number;
};

/** What an answer says of the model that gave it. */
export type ModelInfo = { name: string; dir: string; parameters: number; temporal_attention: { heads: number; order: string } | null; /** Directory of the adapter that it was loaded with. */ adapter: string | null; /** As what each part's matrices are stored. int8 and int4 are computed with as they are, all others as float32. */ weights: Record<Part, string>; /** Of its files' content: another one, other answers. */ fingerprint: string };

/** @param adapter directory of a LoRA adapter to use with it  @throws MODEL_MISSING, MODEL_CONFIG, WEIGHT_MISSING, WEIGHT_SHAPE, WEIGHTS_CORRUPT, ADAPTER, TOKENIZER */
export async function openModelFiles(dir: string, adapter?: string): Promise<ModelFiles> {
  const read = textReader(dir);
  const model = await openQwen2VL(dir, { adapter, packed: true }); // first: a folder that is no model should be told so
  await Promise.all([model.weights.close(), model.adapter?.weights.close()]); // the engine maps the files itself
  const file = join(dir, 'generation_config.json');
  const reading = [loadTokenizer(read), loadChatTemplate(read), readJson(dir, 'generation_config.json')] as const;
  const [tokenizer, template, json] = await Promise.all(reading).catch((error: unknown) => {
    throw error instanceof StaveError && error.code === 'TOKENIZER' ? new StaveError('TOKENIZER', { ...error, what: `${dir}: ${error.what}`, cause: error }) : error;
  });
  const generation = parseGenerationConfig(json, model.config, file);
  return { model, tokenizer, template, generation, generationJson: (json ?? {}) as JsonObject, sampling: samplingOf(model), weight_bytes: weightBytes(model.config, model.weightTypes) + 4 * (model.adapter?.parameters ?? 0) };
}

/** Frames that a model was made for. @throws MODEL_CONFIG */
export function samplingOf({ dir, config: { raw } }: Pick<Qwen2VL, 'dir' | 'config'>): Setting<FrameSampling> {
  const file = join(dir, 'config.json');
  const own = new Fields(raw, file).object('stave');
  return own.has('sampling') ? { value: parseFrameSampling(own.json.sampling, file, 'stave.sampling'), from: 'config.json' } : { value: defaultSampling, from: 'default' };
}

/** The model in an answer. @param found what it is called and where it lies; the files read may be a converted copy's */
export async function describe({ dir, parameters, weights, weightTypes, adapter, config: { vision_config } }: Qwen2VL, found: Pick<ModelInfo, 'name' | 'dir'>): Promise<ModelInfo> {
  const { temporal_attention: sta, num_heads } = vision_config;
  return {
    name: found.name,
    dir: found.dir,
    parameters,
    temporal_attention: sta === undefined ? null : { heads: temporalHeads(num_heads, sta.head_scale), order: sta.order },
    adapter: adapter?.dir ?? null,
    weights: weightTypes,
    fingerprint: await fingerprint(dir, weights, adapter),
  };
}
