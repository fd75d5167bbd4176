import { StaveError } from '../errors.ts';
import { configJson, openQwen2VL, parameterShapes, parseConfig, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Tokenizer } from '../text/index.ts';
import { initialWeights } from './init.ts';
import type { Recipe } from './recipe.ts';
import type { ModelTensor } from './step.ts';

/** config.json of a new model: the recipe's fields and the token ids of its tokenizer.
 * @throws RECIPE naming the field that does not fit */
export function newConfig(recipe: Recipe, tokenizer: Tokenizer): Qwen2VLConfig {
  const id = (token: string) => {
    const found = tokenizer.id(token);
    if (found === undefined) throw new StaveError('RECIPE', { what: `the tokenizer in ${recipe.tokenizer} has no token "${token}"`, fix: 'use a tokenizer with the special tokens of Qwen2-VL' });
    return found;
  };
  const { temporal_attention, ...fields } = recipe.model;
  const { vision_config, ...text } = fields as { vision_config?: object };
  try {
    return parseConfig(
      {
        architectures: ['Qwen2VLForConditionalGeneration'],
        model_type: 'qwen2_vl',
        vocab_size: tokenizer.vocabSize,
        rms_norm_eps: 1e-6,
        hidden_act: 'silu',
        rope_theta: 1_000_000,
        max_position_embeddings: 4096,
        tie_word_embeddings: true,
        use_sliding_window: false,
        initializer_range: recipe.init_std === 'fan_in' ? 0.02 : recipe.init_std,
        ...text,
        vision_config: { model_type: 'qwen2_vl', hidden_size: (text as { hidden_size?: number }).hidden_size, in_chans: 3, spatial_patch_size: 14, ...vision_config },
        ...(temporal_attention ? { temporal_attention } : {}),
        bos_token_id: id('<|endoftext|>'),
        pad_token_id: id('<|endoftext|>'),
        eos_token_id: id('<|im_end|>'),
        vision_start_token_id: id('<|vision_start|>'),
        vision_end_token_id: id('<|vision_end|>'),
        vision_token_id: id('<|vision_pad|>'),
        image_token_id: id('<|image_pad|>'),
        video_token_id: id('<|video_pad|>'),
      },
      'model',
    );
  } catch (error) {
    if (error instanceof StaveError && error.code === 'MODEL_CONFIG') throw new StaveError('RECIPE', { what: error.what, why: error.why, fix: error.fix, cause: error });
    throw error;
  }
}

/** config.json to save: the model's, and how clips are sampled for it. */
export function savedConfig(config: Qwen2VLConfig, recipe: Recipe): Record<string, unknown> {
  return { ...configJson(config), stave: { sampling: { rule: 'count', frames: recipe.data.frames, repeat: true } } };
}

/** Whether a tensor's name matches one of the patterns; `*` stands for anything. */
export function matches(name: string, patterns: string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.split('*').map(quote).join('.*')}$`).test(name));
}

const quote = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');

export type TrainModel = {
  config: Qwen2VLConfig;
  /** All tensors at the start; frozen ones stay so. */
  weights: Map<string, { shape: number[]; data: Float32Array }>;
  /** The trained tensors of them. */
  trained: Map<string, { shape: number[]; data: Float32Array }>;
  tensors: Map<string, ModelTensor>;
};

/** The recipe's model before its first step: a checkpoint's, or new weights. @throws RECIPE when nothing would be trained */
export async function startModel(recipe: Recipe, tokenizer: Tokenizer): Promise<TrainModel> {
  const { config, weights } = recipe.init === null ? fromScratch(recipe, newConfig(recipe, tokenizer)) : await fromCheckpoint(recipe.init);
  const trained = new Map([...weights].filter(([name]) => matches(name, recipe.trainable)));
  if (trained.size === 0) throw new StaveError('RECIPE', { what: `trainable is ${JSON.stringify(recipe.trainable)}, which no tensor matches`, fix: `the tensors have names like ${[...weights.keys()].slice(0, 3).join(', ')}` });
  const tensors = new Map([...weights].map(([name, { shape, data }]): [string, ModelTensor] => [name, { shape, source: trained.has(name) ? null : { data } }]));
  return { config, weights, trained, tensors };
}

function fromScratch(recipe: Recipe, config: Qwen2VLConfig): Pick<TrainModel, 'config' | 'weights'> {
  return { config, weights: initialWeights(config, recipe) };
}

/** A checkpoint's weights as float32. */
async function fromCheckpoint(directory: string): Promise<Pick<TrainModel, 'config' | 'weights'>> {
  const { config, weights: stored, storedName } = await openQwen2VL(directory);
  await using _ = stored;
  const weights: TrainModel['weights'] = new Map();
  for (const [name, shape] of parameterShapes(config)) weights.set(name, { shape, data: await stored.readF32(storedName(name)) });
  return { config, weights };
}
