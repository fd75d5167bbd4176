import { dim, matmul, split, type Value } from '../../graph/index.ts';
import { activation, applyRope, attention, layerNorm, linear, mlp, type Params, type Rope } from '../../nn/index.ts';
import type { VisionConfig } from './config.ts';
import { merger } from './merger.ts';
import { temporalAttention, type Clips } from './temporal.ts';

/** Rotary tables of the vision encoder; both d = head_dim wide. space: [N, d], by a patch's row and column; time: [T, d], by its frame group. */
export type VisionRope = { space: Rope; time: Rope };

export type VisionOutputs = {
  /** Patch embeddings, [B·T·N, D]. */
  patches: Value;
  /** After each block, [B·T·N, D]. */
  hidden: Value[];
  /** Visual tokens in the order of the prompt's placeholders, [B·T·M, hidden_size], M = N / 4. */
  embeds: Value;
};

/** The vision encoder over B clips of one grid (an image is a clip of T = 1). pixelValues: [B, T, N, C·2·14·14], patches in merge order. */
export function visionTower(p: Params, pixelValues: Value, rope: VisionRope, config: VisionConfig): VisionOutputs {
  const [B, T, N, pixels] = pixelValues.shape;
  const patches = patchEmbed(p.at('patch_embed.proj'), pixelValues.reshape([dim.mul(B, T, N), pixels])); // [B·T·N, D]
  const hidden: Value[] = [];
  let x = patches;
  for (let i = 0; i < config.depth; i++) {
    x = visionBlock(p.at('blocks').at(i), x, rope, { B, T, N }, config);
    hidden.push(x);
  }
  const tokens = dim.div(dim.mul(B, T, N), config.spatial_merge_size ** 2);
  return { patches, hidden, embeds: merger(p.at('merger'), x, tokens, config.spatial_merge_size) };
}

/** A 3-D convolution whose stride is its kernel is a linear layer over flattened patches. x: [.., C·2·14·14] → [.., D] */
function patchEmbed(p: Params, x: Value): Value {
  const weight = p.weight(); // [D, C, 2, 14, 14]
  return matmul(x, weight.reshape([weight.shape[0], x.shape[1]]), { transB: true }); // [.., D]
}

/** STAVE block: space, then time, then MLP; pre-norm residuals. Without temp_attn tensors it is the plain Qwen2-VL block. x: [B·T·N, D] → [B·T·N, D] */
export function visionBlock(p: Params, x: Value, rope: VisionRope, clips: Clips, config: VisionConfig): Value {
  const d = config.embed_dim / config.num_heads;
  const space = (x: Value) => x.add(spatialAttention(p.at('attn'), layerNorm(p.at('norm1'), x), rope.space, clips, config));
  const time = (x: Value) => x.add(temporalAttention(p.at('temp_attn'), layerNorm(p.at('norm3'), x), rope.time, clips, d, config.temporal_attention?.rows ?? 'patch-major'));

  if (!p.has('temp_attn.qkv.weight')) x = space(x);
  else if (config.temporal_attention?.order === 'temporal-first') x = space(time(x));
  else x = time(space(x));
  return x.add(mlp(p.at('mlp'), layerNorm(p.at('norm2'), x), activation(config.hidden_act)));
}

/** Each patch attends over the N patches of its own frame group. x: [B·T·N, D] → [B·T·N, D] */
function spatialAttention(p: Params, x: Value, rope: Rope, { B, T, N }: Clips, { embed_dim: D, num_heads: H }: VisionConfig): Value {
  const frames = dim.mul(B, T);
  const d = D / H;
  const qkv = linear(p.at('qkv'), x)
    .reshape([frames, N, 3, H, d])
    .transpose([2, 0, 3, 1, 4]); // [3, B·T, H, N, d]
  const [qk, v] = split(qkv, [2, 1], 0);
  const [q, k] = split(applyRope(qk, rope), 2, 0).map((t) => t.reshape([frames, H, N, d])); // [B·T, H, N, d]
  const y = attention(q, k, v.reshape([frames, H, N, d])); // [B·T, H, N, d]
  return linear(p.at('proj'), y.transpose([0, 2, 1, 3]).reshape([dim.mul(frames, N), D])); // [B·T·N, D]
}
