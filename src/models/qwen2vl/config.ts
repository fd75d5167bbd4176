import { StaveError } from '../../errors.ts';
import { Fields, type JsonObject } from '../fields.ts';
import { parseQuantization, type Quantization } from '../weight-types.ts';
import { parseVision, type ModelType, type VisionConfig } from './vision-config.ts';

/** The language model's part of config.json: flat in files of transformers 4.46, under `text_config` as of 4.57 (Qwen2VLTextConfig, Qwen2_5_VLTextConfig). */
export type TextConfig = {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number; // head_dim = hidden_size / num_attention_heads
  num_key_value_heads: number;
  hidden_act: string;
  max_position_embeddings: number;
  rms_norm_eps: number;
  /** The head is the transposed embedding table; a lm_head.weight in the checkpoint is not used then. */
  tie_word_embeddings: boolean;
  rope_theta: number;
  rope_scaling: { mrope_section: [number, number, number] }; // half-dimensions that turn with time, row, column
};

export type Qwen2VLConfig = TextConfig & {
  model_type: ModelType;
  vision_config: VisionConfig;
  image_token_id: number;
  video_token_id: number;
  vision_start_token_id: number;
  vision_end_token_id: number;
  bos_token_id?: number;
  eos_token_id: number[];
  pad_token_id?: number;
  /** Of a converted checkpoint: its weights are stored in few bits. */
  quantization?: Quantization;
  /** config.json as read, with every field stave does not know. */
  raw: JsonObject;
};

/** Reads config.json of a Qwen2-VL or Qwen2.5-VL checkpoint, flat or nested. Missing fields take the defaults of transformers (4.46.1, 4.57.6).
 * @param json what JSON.parse gave  @throws MODEL_CONFIG naming the field and its value */
export function parseConfig(json: unknown, file = 'config.json'): Qwen2VLConfig {
  const root = new Fields(json, file);
  const model_type = modelType(root);
  const quantization = parseQuantization(root);
  const text = root.has('text_config') ? root.object('text_config') : root;
  const vision = parseVision(root.object('vision_config'), root, model_type);
  const textConfig = parseText(text, root);
  if (vision.out_hidden_size !== textConfig.hidden_size)
    root.object('vision_config').refuse(model_type === 'qwen2_vl' ? 'hidden_size' : 'out_hidden_size', `visual tokens must be as wide as the language model: ${text.path('hidden_size')} is ${textConfig.hidden_size}`);

  const id = (name: string, fallback: number) => root.integer(name, fallback, { min: 0, max: textConfig.vocab_size - 1 });
  const optional = (name: string) => [root, text].find((f) => f.has(name))?.integer(name, undefined, { min: 0 });
  return {
    model_type,
    ...textConfig,
    vision_config: vision,
    image_token_id: id('image_token_id', 151655),
    video_token_id: id('video_token_id', 151656),
    vision_start_token_id: id('vision_start_token_id', 151652),
    vision_end_token_id: id('vision_end_token_id', 151653),
    bos_token_id: optional('bos_token_id'),
    eos_token_id: (root.has('eos_token_id') ? root : text).ids('eos_token_id'),
    pad_token_id: optional('pad_token_id'),
    ...(quantization && { quantization }),
    raw: root.json,
  };
}

/** config.json to save beside weights: all fields as they were read, stave's own key as it is now. */
export function configJson({ raw, vision_config: { temporal_attention } }: Qwen2VLConfig): JsonObject {
  const { temporal_attention: _, ...rest } = raw;
  return temporal_attention === undefined ? rest : { ...rest, temporal_attention };
}

function modelType(root: Fields): ModelType {
  const type = root.string('model_type');
  if (type !== 'qwen2_vl' && type !== 'qwen2_5_vl')
    throw new StaveError('MODEL_CONFIG', {
      what: `${root.file}: model_type is "${type}"`,
      why: 'stave runs Qwen2-VL and Qwen2.5-VL, with and without temporal attention',
      fix: 'use a checkpoint whose model_type is "qwen2_vl" or "qwen2_5_vl"',
    });
  const architectures = root.json.architectures ?? [];
  // the authors' is CustomQwen2VLForConditionalGeneration
  if (!Array.isArray(architectures) || !(architectures.length === 0 || architectures.some((name) => String(name).endsWith('ForConditionalGeneration'))))
    root.refuse('architectures', 'stave runs models that generate text', 'use a checkpoint of Qwen2VLForConditionalGeneration or Qwen2_5_VLForConditionalGeneration');
  return type;
}

function parseText(f: Fields, root: Fields): TextConfig {
  const num_attention_heads = f.integer('num_attention_heads', 64);
  const rope = f.has('rope_parameters') ? f.object('rope_parameters') : f.object('rope_scaling'); // the newer name holds rope_theta too
  const config: TextConfig = {
    vocab_size: f.integer('vocab_size', 152064),
    hidden_size: f.integer('hidden_size', 8192),
    intermediate_size: f.integer('intermediate_size', 29568),
    num_hidden_layers: f.integer('num_hidden_layers', 80),
    num_attention_heads,
    num_key_value_heads: f.integer('num_key_value_heads', 8),
    hidden_act: f.string('hidden_act', 'silu'),
    max_position_embeddings: f.integer('max_position_embeddings', 32768),
    rms_norm_eps: f.positive('rms_norm_eps', 1e-5),
    tie_word_embeddings: (f.has('tie_word_embeddings') ? f : root).boolean('tie_word_embeddings', false), // a nested file of 4.57 may say both: the language model's counts
    rope_theta: (rope.has('rope_theta') ? rope : f).positive('rope_theta', 1_000_000),
    rope_scaling: { mrope_section: rope.numbers('mrope_section', 3) as [number, number, number] },
  };
  const head_dim = config.hidden_size / num_attention_heads;
  if (!Number.isInteger(head_dim / 2)) f.refuse('num_attention_heads', `${f.path('hidden_size')} (${config.hidden_size}) must be an even multiple of it`);
  if (num_attention_heads % config.num_key_value_heads !== 0) f.refuse('num_key_value_heads', `${f.path('num_attention_heads')} (${num_attention_heads}) must be a multiple of it`);
  const sections = config.rope_scaling.mrope_section;
  if (!sections.every((n) => Number.isInteger(n) && n >= 0) || sections[0] + sections[1] + sections[2] !== head_dim / 2)
    rope.refuse('mrope_section', `its three counts must add up to half the head size, ${head_dim / 2}`);
  for (const name of ['type', 'rope_type']) // "mrope" is what the published checkpoints say, "default" what transformers makes of it
    if (rope.has(name) && !['mrope', 'default'].includes(rope.string(name))) rope.refuse(name, 'this scaling of rotary positions is not supported', 'use a checkpoint with "default" or "mrope"');
  if (f.boolean('use_sliding_window', false)) f.refuse('use_sliding_window', 'attention over a sliding window is not supported', 'use a checkpoint without it');
  return config;
}
