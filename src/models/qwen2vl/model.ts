import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../../errors.ts';
import type { Params } from '../../nn/index.ts';
import { openWeights, type Weights } from '../../weights/index.ts';
import { openAdapter, type Adapter } from '../adapter.ts';
import { checkTensors, readJson } from '../checkpoint.ts';
import { checkpointParams } from '../checkpoint-params.ts';
import { hasWeight, packedMatrix, packedNames } from '../packed.ts';
import { partOf, parts, typesText, type Part } from '../weight-types.ts';
import { parseConfig, type Qwen2VLConfig } from './config.ts';
import type { LanguageParams } from './language.ts';
import { checkPreprocessor, parsePreprocessorConfig, type PreprocessorConfig, type PreprocessorFile } from './preprocessor-config.ts';
import { parameterShapes } from './tensors.ts';
import { defaultRows, type TemporalAttention } from './vision-config.ts';

/** An open checkpoint: what its files say and where its tensors are. Nothing is computed yet. */
export type Qwen2VL = {
  dir: string;
  /** `vision_config.temporal_attention` is present exactly when the checkpoint has STA. */
  config: Qwen2VLConfig;
  /** Of images. */
  preprocessor: PreprocessorConfig;
  /** Of videos: video_preprocessor_config.json where there is one, as of transformers 4.52; else the same. */
  video_preprocessor: PreprocessorConfig;
  /** What they were read from. */
  preprocessor_files: { image: PreprocessorFile; video: PreprocessorFile };
  weights: Weights;
  visual: Params;
  language: LanguageParams;
  /** What the checkpoint calls a tensor: its own name, or the one of transformers 4.57. */
  storedName(name: string): string;
  /** Number of weights, those of an adapter included. */
  parameters: number;
  /** As what the matrices of each part are stored: f32, f16, bf16, int8, w8a8, int4. */
  weightTypes: Record<Part, string>;
  /** The low-rank adapter that it was opened with. */
  adapter?: Adapter;
};

export type OpenOptions = {
  /** Order of the two attentions where config.json doesn't say: tensors can't tell. */
  order?: TemporalAttention['order'];
  /** Directory of a low-rank adapter to use with it. */
  adapter?: string;
  /** Whether weights of few bits will do. They can be computed with, not trained or changed. Default: false. */
  packed?: boolean;
};

/** Opens a checkpoint directory in the Hugging Face layout and checks every tensor's name, shape and type against config.json.
 * @throws MODEL_MISSING, MODEL_CONFIG, WEIGHT_MISSING, WEIGHT_SHAPE, WEIGHTS_CORRUPT; ADAPTER for one that does not fit */
export async function openQwen2VL(dir: string, { order, adapter: adapterDir, packed = false }: OpenOptions = {}): Promise<Qwen2VL> {
  const json = await readJson(dir, 'config.json');
  if (json === undefined) throw await missing(dir);
  const config = parseConfig(json, join(dir, 'config.json'));
  if (config.quantization !== undefined && !packed)
    throw new StaveError('USAGE', { what: `${dir} is a converted checkpoint (${typesText(config.quantization.types)})`, why: 'weights of few bits can be asked, not trained, changed or converted again', fix: `give the checkpoint that it was made from${config.quantization.name === '' ? '' : `, ${JSON.stringify(config.quantization.name)}`}` });
  const preprocessors = await readPreprocessors(dir, config);
  const weights = await openWeights(dir);
  try {
    const storedName = naming(weights);
    detectTemporalAttention(config, weights, storedName, order);
    const shapes = parameterShapes(config);
    const type = (name: string) => config.quantization?.types[partOf(name)];
    checkTensors(weights, shapes, storedName, type);
    const adapter = adapterDir === undefined ? undefined : await openAdapter(adapterDir, { dir, shapes });
    const packedOf = (name: string) => {
      const shape = shapes.get(name);
      return shape && hasWeight(weights, storedName(name)) ? packedMatrix(weights, { name, storedName: storedName(name), shape, type: type(name) }) : undefined;
    };
    const params = checkpointParams(weights, storedName, adapter, packedOf);
    return {
      dir,
      config,
      ...preprocessors,
      weights,
      storedName,
      visual: params.at('visual'),
      language: { model: params.at('model'), head: config.tie_word_embeddings ? undefined : params.at('lm_head') },
      parameters: [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), adapter?.parameters ?? 0),
      weightTypes: storedTypes(config, weights, storedName, shapes),
      ...(adapter && { adapter }),
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/** Of images and of videos. @throws MODEL_CONFIG */
async function readPreprocessors(dir: string, config: Qwen2VLConfig): Promise<Pick<Qwen2VL, 'preprocessor' | 'video_preprocessor' | 'preprocessor_files'>> {
  const parse = (kind: 'image' | 'video', { name, said }: PreprocessorFile) => {
    const preprocessor = parsePreprocessorConfig(said, join(dir, name), kind);
    checkPreprocessor(preprocessor, config, join(dir, name));
    return preprocessor;
  };
  const [image, video] = await Promise.all([readJson(dir, 'preprocessor_config.json'), readJson(dir, 'video_preprocessor_config.json')]);
  const ofImages: PreprocessorFile = { name: 'preprocessor_config.json', said: image ?? {} };
  const ofVideos: PreprocessorFile | undefined = video === undefined ? undefined : { name: 'video_preprocessor_config.json', said: video };
  const preprocessor = parse('image', ofImages);
  return { preprocessor, video_preprocessor: ofVideos ? parse('video', ofVideos) : preprocessor, preprocessor_files: { image: ofImages, video: ofVideos ?? ofImages } };
}

/** transformers 4.46 saved `visual.…` and `model.…`, 4.57 saves `model.visual.…` and `model.language_model.…`. */
function naming(weights: Weights): (name: string) => string {
  if (!weights.has('model.visual.patch_embed.proj.weight')) return (name) => name;
  return (name) => name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.');
}

/** The type of each part's first matrix; a tied head is the embedding table. */
function storedTypes({ quantization }: Qwen2VLConfig, weights: Weights, storedName: (name: string) => string, shapes: ReadonlyMap<string, readonly number[]>): Record<Part, string> {
  const matrices = [...shapes].flatMap(([name, shape]) => (shape.length === 2 ? [name] : []));
  const typeOf = (name: string): string => (weights.has(storedName(name)) ? weights.info(storedName(name)).dtype.toLowerCase() : quantization!.types[partOf(name)]);
  const of = (part: Part): string => typeOf(matrices.find((name) => partOf(name) === part) ?? 'model.embed_tokens.weight');
  return Object.fromEntries(parts.map((part) => [part, of(part)])) as Record<Part, string>;
}

/** STA shows in the tensors of the blocks; its heads in the shape of qkv. The config takes up what is found. */
function detectTemporalAttention({ vision_config: vision }: Qwen2VLConfig, weights: Weights, names: (name: string) => string, order?: TemporalAttention['order']): void {
  const told = vision.temporal_attention;
  const blocks = Array.from({ length: vision.depth }, (_, i) => names(`visual.blocks.${i}.temp_attn.qkv.weight`));
  const first = blocks.find((name) => hasWeight(weights, name));
  const surplus = blocks.find((name, i) => hasWeight(weights, name) && told?.blocks?.includes(i) === false);
  if (surplus !== undefined)
    throw new StaveError('MODEL_CONFIG', {
      what: `${weights.path} has the tensor "${surplus}"`,
      why: `config.json says that temporal attention is in the blocks ${told?.blocks?.join(', ')}`,
      fix: 'use the config.json and the weights of one checkpoint',
    });
  if (first === undefined) {
    if (told === undefined) return;
    throw new StaveError('WEIGHT_MISSING', {
      what: `${weights.path} has no tensor "${blocks[told.blocks?.[0] ?? 0]}"`,
      why: 'config.json asks for temporal attention, this checkpoint was saved without it',
      fix: 'remove "temporal_attention" from config.json, or use the weights that belong to it',
    });
  }
  const { shape, file } = weights.info(weights.has(first) ? first : packedNames(first).scales); // [out, ..] or [out] either way
  const head_dim = vision.embed_dim / vision.num_heads;
  const heads = shape[0] / (3 * head_dim);
  if (!Number.isInteger(heads) || heads < 1)
    throw new StaveError('WEIGHT_SHAPE', {
      what: `${file}: tensor "${first}" is [${shape.join(', ')}]`,
      why: `its rows must be queries, keys and values of whole heads of ${head_dim}: a multiple of ${3 * head_dim}`,
      fix: 'check num_heads and embed_dim in config.json',
    });
  vision.temporal_attention = { head_scale: told?.head_scale ?? heads / vision.num_heads, order: order ?? told?.order ?? 'spatial-first', rows: told?.rows ?? defaultRows(vision.windowed !== undefined), ...(told?.blocks && { blocks: told.blocks }) };
}

async function missing(dir: string): Promise<StaveError> {
  const there = await stat(dir).catch(() => undefined);
  const what = there === undefined ? `there is no model directory ${dir}` : there.isDirectory() ? `${dir} has no config.json` : `${dir} is not a directory`;
  return new StaveError('MODEL_MISSING', { what, fix: 'give a directory with config.json, tokenizer.json and model.safetensors' });
}
