import { StaveError } from '../../errors.ts';
import { roundHalfEven } from '../../video/rounding.ts';
import { Fields, type JsonObject } from '../fields.ts';

/** stave's own key of config.json. Absent, stacked temporal attention is recognised by its tensors, spatial attention first. */
export type TemporalAttention = {
  /** Temporal heads as a part of the spatial ones, see {@link temporalHeads}; absent: told by the shape of `temp_attn.qkv`. */
  head_scale?: number;
  order: 'spatial-first' | 'temporal-first';
  /** Row order in which the attention's output meets the residual. The authors' code leaves it patch by patch, [N, T], and adds it to rows that lie frame by
   * frame, [T, N], so a patch receives the output of another place and time; their checkpoints are trained with that: 'patch-major'. 'frame-major' puts each
   * output back to its own patch. */
  rows: 'patch-major' | 'frame-major';
};

/** `vision_config` of config.json (transformers Qwen2VLVisionConfig). */
export type VisionConfig = {
  depth: number; // blocks
  embed_dim: number; // D
  num_heads: number; // of spatial attention; head_dim = embed_dim / num_heads
  hidden_size: number; // of the visual tokens: the language model's
  hidden_act: string;
  mlp_ratio: number; // inner size of the MLP = floor(embed_dim · mlp_ratio)
  in_channels: number;
  patch_size: number; // pixels
  spatial_merge_size: number; // patches a side that become one visual token
  temporal_patch_size: number; // frames a patch
  temporal_attention?: TemporalAttention;
};

/** The language model's part of config.json: flat in files of transformers 4.46, under `text_config` as of 4.57 (Qwen2VLTextConfig). */
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
  model_type: 'qwen2_vl';
  vision_config: VisionConfig;
  image_token_id: number;
  video_token_id: number;
  vision_start_token_id: number;
  vision_end_token_id: number;
  bos_token_id?: number;
  eos_token_id: number[];
  pad_token_id?: number;
  /** config.json as read, with every field stave does not know. */
  raw: JsonObject;
};

/** Reads config.json of a Qwen2-VL checkpoint, flat or nested. Missing fields take the defaults of transformers 4.46.1.
 * @param json what JSON.parse gave  @throws MODEL_CONFIG naming the field and its value */
export function parseConfig(json: unknown, file = 'config.json'): Qwen2VLConfig {
  const root = new Fields(json, file);
  checkFamily(root);
  const text = root.has('text_config') ? root.object('text_config') : root;
  const vision = parseVision(root.object('vision_config'), root);
  const textConfig = parseText(text, root);
  if (vision.hidden_size !== textConfig.hidden_size)
    root.object('vision_config').refuse('hidden_size', `visual tokens must be as wide as the language model: ${text.path('hidden_size')} is ${textConfig.hidden_size}`);

  const id = (name: string, fallback: number) => root.integer(name, fallback, { min: 0, max: textConfig.vocab_size - 1 });
  const optional = (name: string) => [root, text].find((f) => f.has(name))?.integer(name, undefined, { min: 0 });
  return {
    model_type: 'qwen2_vl',
    ...textConfig,
    vision_config: vision,
    image_token_id: id('image_token_id', 151655),
    video_token_id: id('video_token_id', 151656),
    vision_start_token_id: id('vision_start_token_id', 151652),
    vision_end_token_id: id('vision_end_token_id', 151653),
    bos_token_id: optional('bos_token_id'),
    eos_token_id: (root.has('eos_token_id') ? root : text).ids('eos_token_id'),
    pad_token_id: optional('pad_token_id'),
    raw: root.json,
  };
}

/** config.json to save beside weights: all fields as they were read, stave's own key as it is now. */
export function configJson({ raw, vision_config: { temporal_attention } }: Qwen2VLConfig): JsonObject {
  const { temporal_attention: _, ...rest } = raw;
  return temporal_attention === undefined ? rest : { ...rest, temporal_attention };
}

/** Heads of temporal attention: a part of the spatial heads, rounded half to even, at least one. AliRasekh/STAVEQ2 staveq2-training/model.py
 * @param head_scale a quarter for a new model that does not say it; that of a checkpoint is told by its tensors */
export function temporalHeads(num_heads: number, head_scale = 0.25): number {
  return Math.max(1, roundHalfEven(num_heads * head_scale));
}

function checkFamily(root: Fields): void {
  const type = root.string('model_type');
  if (type !== 'qwen2_vl')
    throw new StaveError('MODEL_CONFIG', {
      what: `${root.file}: model_type is "${type}"`,
      why: type === 'qwen2_5_vl' ? 'Qwen2.5-VL is not yet supported' : 'stave runs models of the Qwen2-VL family',
      fix: 'use a checkpoint whose model_type is "qwen2_vl"',
    });
  const architectures = root.json.architectures ?? [];
  // the authors' is CustomQwen2VLForConditionalGeneration
  if (!Array.isArray(architectures) || !(architectures.length === 0 || architectures.some((name) => String(name).endsWith('ForConditionalGeneration'))))
    root.refuse('architectures', 'stave runs models that generate text', 'use a checkpoint of Qwen2VLForConditionalGeneration');
}

function parseVision(f: Fields, root: Fields): VisionConfig {
  const config: VisionConfig = {
    depth: f.integer('depth', 32),
    embed_dim: f.integer('embed_dim', 1280),
    num_heads: f.integer('num_heads', 16),
    hidden_size: f.integer('hidden_size', 3584),
    hidden_act: f.string('hidden_act', 'quick_gelu'),
    mlp_ratio: f.positive('mlp_ratio', 4),
    in_channels: f.integer('in_channels', 3),
    patch_size: f.integer('patch_size', 14),
    spatial_merge_size: f.integer('spatial_merge_size', 2),
    temporal_patch_size: f.integer('temporal_patch_size', 2),
    ...(root.has('temporal_attention') && { temporal_attention: parseTemporal(root.object('temporal_attention')) }),
  };
  if (config.embed_dim % (4 * config.num_heads) !== 0) // rotary angles: a quarter of a head for rows, a quarter for columns, both twice
    f.refuse('num_heads', `${f.path('embed_dim')} (${config.embed_dim}) must be a multiple of 4 times the number of heads`);
  return config;
}

function parseTemporal(f: Fields): TemporalAttention {
  const order = f.oneOf('order', ['spatial-first', 'temporal-first'], 'spatial-first');
  const rows = f.oneOf('rows', ['patch-major', 'frame-major'], 'patch-major');
  return f.has('head_scale') ? { head_scale: f.positive('head_scale'), order, rows } : { order, rows };
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
    tie_word_embeddings: (root.has('tie_word_embeddings') ? root : f).boolean('tie_word_embeddings', false),
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
