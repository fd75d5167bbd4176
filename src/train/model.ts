import { StaveError } from '../errors.ts';
import type { FrameSampling } from '../generate/frame-sampling.ts';
import { samplingOf } from '../generate/model-files.ts';
import { floats } from '../models/checkpoint.ts';
import { linearLayers } from '../models/lora.ts';
import { configJson, openQwen2VL, parameterShapes, parsePreprocessorConfig, type PreprocessorConfig, type PreprocessorFile, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Tokenizer } from '../text/index.ts';
import { preprocessorJson } from './export.ts';
import { checkGroups } from './groups.ts';
import { initialWeights } from './init.ts';
import { startLora, trainedLayers, type LoraTraining } from './lora.ts';
import { newModelConfig } from './new-config.ts';
import type { Recipe } from './recipe.ts';
import type { ModelTensor } from './step.ts';
import { matches } from './tensor-names.ts';

/** config.json of a recipe's new model. @throws RECIPE naming the field that does not fit */
export const newConfig = (recipe: Recipe, tokenizer: Tokenizer): Qwen2VLConfig => newModelConfig(recipe, tokenizer, recipe.tokenizer);

/** config.json to save: the model's, and how clips are sampled for it. */
export function savedConfig(config: Qwen2VLConfig, { data }: Recipe): Record<string, unknown> {
  const sampling: FrameSampling = data.task === 'motion10' ? { rule: 'count', frames: data.frames, repeat: true } : (data.sampling ?? modelSampling(config));
  return { ...configJson(config), stave: { sampling } };
}

/** The frames that a model says it was made for, or the authors' rule. @throws MODEL_CONFIG */
export function modelSampling(config: Qwen2VLConfig): FrameSampling {
  return samplingOf({ dir: '', config }).value;
}

type Tensors = Map<string, { shape: number[]; data: Float32Array }>;

export type TrainModel = {
  config: Qwen2VLConfig;
  /** Of all of the model's tensors, by name. */
  shapes: Map<string, number[]>;
  /** What is trained, at the start: tensors of the model, and the matrices of adapters. */
  trained: Tensors;
  /** For the graphs: all tensors of the model, and the adapters' matrices. */
  tensors: Map<string, ModelTensor>;
  /** Low-rank adapters on frozen layers; none without `lora` in the recipe. */
  lora: LoraTraining;
  /** A tensor of the model as it was at the start; frozen ones stay so. */
  read(name: string): Promise<Float32Array>;
  /** What the checkpoint that it started from calls a tensor. */
  storedName(name: string): string;
  /** How frames become patches, and the files that say so: of the checkpoint, or with the recipe's bounds. */
  preprocessor: Record<'image' | 'video', PreprocessorConfig>;
  preprocessor_files: PreprocessorFile[];
  close(): Promise<void>;
};

/** The recipe's model before its first step: a checkpoint's, or new weights. Close it. @throws RECIPE when nothing would be trained, adapters fit no layer, or groups no trained tensor */
export async function startModel(recipe: Recipe, tokenizer: Tokenizer): Promise<TrainModel> {
  const source = recipe.init === null ? fromScratch(recipe, newConfig(recipe, tokenizer)) : await fromCheckpoint(recipe.init);
  try {
    return await withTrained(recipe, source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** A model's weights, before it is said which are trained. */
type Source = Pick<TrainModel, 'config' | 'shapes' | 'read' | 'storedName' | 'preprocessor' | 'preprocessor_files' | 'close'> & { /** A tensor that stays as it is, for the graphs. */ frozen(name: string): ModelTensor };

async function withTrained(recipe: Recipe, { frozen, ...source }: Source): Promise<TrainModel> {
  const names = [...source.shapes.keys()];
  const whole = new Set(names.filter((name) => matches(name, recipe.trainable)));
  const refuse: Parameters<typeof trainedLayers>[3] = (field, why) => {
    throw new StaveError('RECIPE', { what: `lora.${field} is ${JSON.stringify(recipe.lora?.[field])}`, why, fix: `layers have names like ${linearNames(source.shapes).join(', ')}` });
  };
  const layers = recipe.lora === undefined ? [] : trainedLayers(recipe.lora, source.shapes, whole, refuse);
  if (whole.size === 0 && layers.length === 0) throw new StaveError('RECIPE', { what: `trainable is ${JSON.stringify(recipe.trainable)}, which no tensor matches`, fix: `the tensors have names like ${names.slice(0, 3).join(', ')}` });
  const trained: Tensors = new Map();
  for (const name of names) if (whole.has(name)) trained.set(name, { shape: source.shapes.get(name)!, data: await source.read(name) });
  for (const [name, tensor] of startLora(layers, recipe.seed)) trained.set(name, tensor);
  checkGroups(recipe.optimizer.groups ?? [], [...trained.keys()]);
  const tensors = new Map<string, ModelTensor>(names.map((name) => [name, whole.has(name) ? { shape: source.shapes.get(name)!, source: null } : frozen(name)]));
  for (const [name, { shape }] of trained) if (!tensors.has(name)) tensors.set(name, { shape, source: null });
  return { ...source, trained, tensors, lora: { layers, dropout: recipe.lora?.dropout ?? 0 } };
}

const linearNames = (shapes: ReadonlyMap<string, readonly number[]>): string[] => [...linearLayers(shapes).keys()].slice(0, 3);

function fromScratch(recipe: Recipe, config: Qwen2VLConfig): Source {
  const weights = initialWeights(config, recipe);
  const { min_pixels, max_pixels } = recipe.data;
  const said = preprocessorJson({ min_pixels: min_pixels!, max_pixels: max_pixels! }); // a recipe of a new model has both
  const preprocessor = parsePreprocessorConfig(said);
  return {
    config,
    shapes: new Map([...weights].map(([name, { shape }]) => [name, shape])),
    read: async (name) => weights.get(name)!.data,
    frozen(name) {
      const { shape, data } = weights.get(name)!;
      return { shape, source: { data } };
    },
    storedName: (name) => name,
    preprocessor: { image: preprocessor, video: preprocessor },
    preprocessor_files: [{ name: 'preprocessor_config.json', said }],
    close: async () => {},
  };
}

/** A checkpoint's weights. Frozen ones stay in their files, from which the engine takes them, as in inference. */
async function fromCheckpoint(directory: string): Promise<Source> {
  const { config, weights: stored, storedName, preprocessor, video_preprocessor, preprocessor_files } = await openQwen2VL(directory);
  const shapes = parameterShapes(config);
  return {
    config,
    shapes,
    read: (name) => stored.readF32(storedName(name)),
    frozen(name) {
      const { dtype, ...source } = stored.info(storedName(name));
      return { shape: shapes.get(name)!, source, dtype: floats[dtype] };
    },
    storedName,
    preprocessor: { image: preprocessor, video: video_preprocessor },
    preprocessor_files: [...new Map(Object.values(preprocessor_files).map((file) => [file.name, file])).values()],
    close: () => stored.close(),
  };
}
