import { roundHalfEven } from '../../video/rounding.ts';
import type { Fields } from '../fields.ts';

/** stave's own key of config.json. Absent, stacked temporal attention is recognised by its tensors, spatial attention first. */
export type TemporalAttention = {
  /** Temporal heads as a part of the spatial ones, see {@link temporalHeads}; absent: told by the shape of `temp_attn.qkv`. */
  head_scale?: number;
  order: 'spatial-first' | 'temporal-first';
  /** Row order in which the attention's output meets the residual. The authors' code leaves it patch by patch, [N, T], and adds it to rows that lie frame by
   * frame, [T, N], so a patch receives the output of another place and time; their checkpoints are trained with that: 'patch-major', the default of Qwen2-VL. 'frame-major'
   * puts each output back to its own patch: the default of Qwen2.5-VL, for which there is no code of theirs. */
  rows: 'patch-major' | 'frame-major';
  /** Numbers of the vision blocks that have it, ascending; absent: all. */
  blocks?: number[];
};

/** `vision_config` of config.json, of both generations (transformers Qwen2VLVisionConfig, Qwen2_5_VLVisionConfig). Where their names for one thing differ,
 * here is the one that cannot be mistaken: `hidden_size` is the visual tokens' width in Qwen2-VL and the encoder's in Qwen2.5-VL. */
export type VisionConfig = {
  depth: number; // blocks
  embed_dim: number; // D. Qwen2.5-VL: hidden_size
  num_heads: number; // of spatial attention; head_dim = embed_dim / num_heads
  out_hidden_size: number; // of the visual tokens: the language model's. Qwen2-VL: hidden_size
  hidden_act: string;
  intermediate_size: number; // of the MLP. Qwen2-VL: floor(embed_dim · mlp_ratio)
  in_channels: number;
  patch_size: number; // pixels
  spatial_merge_size: number; // patches a side that become one visual token
  temporal_patch_size: number; // frames a patch
  /** Qwen2.5-VL. Absent in Qwen2-VL, whose blocks all see the whole frame and whose time counts frame groups. */
  windowed?: {
    window_size: number; // pixels, a side of a window
    fullatt_block_indexes: number[]; // blocks that see the whole frame all the same
    tokens_per_second: number; // M-RoPE positions along time
  };
  temporal_attention?: TemporalAttention;
};

/** `model_type` of config.json. */
export type ModelType = 'qwen2_vl' | 'qwen2_5_vl';

/** @param f the object `vision_config`  @param root the file, which may hold stave's own key  @throws MODEL_CONFIG */
export function parseVision(f: Fields, root: Fields, type: ModelType): VisionConfig {
  const config: VisionConfig = {
    depth: f.integer('depth', 32),
    ...(type === 'qwen2_vl' ? widths(f) : widths25(f)),
    num_heads: f.integer('num_heads', 16),
    in_channels: f.integer('in_channels', 3),
    patch_size: f.integer('patch_size', 14),
    spatial_merge_size: f.integer('spatial_merge_size', 2),
    temporal_patch_size: f.integer('temporal_patch_size', 2),
    ...(root.has('temporal_attention') && { temporal_attention: parseTemporal(root.object('temporal_attention'), type === 'qwen2_5_vl', f.integer('depth', 32)) }),
  };
  if (config.embed_dim % (4 * config.num_heads) !== 0) // rotary angles: a quarter of a head for rows, a quarter for columns, both twice
    f.refuse('num_heads', `${f.path(type === 'qwen2_vl' ? 'embed_dim' : 'hidden_size')} (${config.embed_dim}) must be a multiple of 4 times the number of heads`);
  if (windowUnits(config) === 0) f.refuse('window_size', `a window must hold a visual token, ${config.patch_size * config.spatial_merge_size} pixels a side`);
  return config;
}

function widths(f: Fields) {
  const embed_dim = f.integer('embed_dim', 1280);
  return { embed_dim, out_hidden_size: f.integer('hidden_size', 3584), hidden_act: f.string('hidden_act', 'quick_gelu'), intermediate_size: Math.floor(embed_dim * f.positive('mlp_ratio', 4)) };
}

function widths25(f: Fields) {
  return {
    embed_dim: f.integer('hidden_size', 3584),
    out_hidden_size: f.integer('out_hidden_size', 3584),
    hidden_act: f.string('hidden_act', 'silu'),
    intermediate_size: f.integer('intermediate_size', 3420),
    windowed: {
      window_size: f.integer('window_size', 112),
      fullatt_block_indexes: f.list('fullatt_block_indexes', isIndex, 'block numbers', [7, 15, 23, 31]),
      tokens_per_second: f.positive('tokens_per_second', 4),
    },
  };
}

const isIndex = (v: unknown): v is number => Number.isInteger(v) && (v as number) >= 0;

function parseTemporal(f: Fields, windowed: boolean, depth: number): TemporalAttention {
  const order = f.oneOf('order', ['spatial-first', 'temporal-first'], 'spatial-first');
  const rows = f.oneOf('rows', ['patch-major', 'frame-major'], defaultRows(windowed));
  const blocks = f.has('blocks') ? f.list('blocks', isIndex, 'block numbers') : undefined;
  if (blocks && (blocks.length === 0 || blocks.some((block, i) => block >= depth || block <= (blocks[i - 1] ?? -1)))) f.refuse('blocks', `the vision encoder has ${depth} blocks`, `give ascending numbers from 0 to ${depth - 1}`);
  return { ...(f.has('head_scale') && { head_scale: f.positive('head_scale') }), order, rows, ...(blocks && { blocks }) };
}

/** Whether a block of the vision encoder has temporal attention. */
export function isTemporal({ temporal_attention }: Pick<VisionConfig, 'temporal_attention'>, block: number): boolean {
  return temporal_attention !== undefined && (temporal_attention.blocks?.includes(block) ?? true);
}

/** @param windowed whether it is Qwen2.5-VL, whose blocks attend within windows */
export function defaultRows(windowed: boolean): TemporalAttention['rows'] {
  return windowed ? 'frame-major' : 'patch-major';
}

/** The row order that temporal attention has in this model. */
export function timeRows({ temporal_attention, windowed }: VisionConfig): TemporalAttention['rows'] {
  return temporal_attention?.rows ?? defaultRows(windowed !== undefined);
}

/** Heads of temporal attention: a part of the spatial heads, rounded half to even, at least one. AliRasekh/STAVEQ2 staveq2-training/model.py
 * @param head_scale a quarter for a new model that does not say it; that of a checkpoint is told by its tensors */
export function temporalHeads(num_heads: number, head_scale = 0.25): number {
  return Math.max(1, roundHalfEven(num_heads * head_scale));
}

/** Merged patches a side of a window, Infinity where blocks see the whole frame. */
export function windowUnits({ windowed, spatial_merge_size, patch_size }: Pick<VisionConfig, 'windowed' | 'spatial_merge_size' | 'patch_size'>): number {
  return windowed === undefined ? Infinity : Math.floor(Math.floor(windowed.window_size / spatial_merge_size) / patch_size);
}

/** Whether a block attends within windows. */
export function isWindowed({ windowed }: VisionConfig, block: number): boolean {
  return windowed !== undefined && !windowed.fullatt_block_indexes.includes(block);
}
