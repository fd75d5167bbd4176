import { StaveError } from '../../errors.ts';
import { dim, gather, matmul, multiHeadAttention, rotaryEmbedding, split, type Value } from '../../graph/index.ts';
import { activation, applyRope, attention, gatedMlp, linear, mlp, norm, type Params, type Rope } from '../../nn/index.ts';
import { merger } from './merger.ts';
import { temporalAttention } from './temporal.ts';
import { isWindowed, timeRows, type VisionConfig } from './vision-config.ts';

/** Rotary tables of the vision encoder; both d = head_dim wide. space: [N, d], by a patch's row and column; time: [T, d], by its frame group. */
export type VisionRope = { space: Rope; time: Rope };

/** Qwen2.5-VL's windows over a frame, see windowTables. index, reverse: [M]; slots: [K, W]; places: [N]; bias: [K, 1, W] */
export type Windows = { index: Value; reverse: Value; slots: Value; places: Value; bias: Value };

export type VisionOutputs = {
  /** Patch embeddings, [B·T·N, D]. */
  patches: Value;
  /** After each block, [B·T·N, D]; a frame's patches in the order of its windows, where the model has them. */
  hidden: Value[];
  /** Visual tokens in the order of the prompt's placeholders, [B·T·M, out_hidden_size], M = N / 4. */
  embeds: Value;
};

/** What a block takes from other frame groups, added to x. All else that the encoder computes stays within a frame group. p: the block's. x: [B·T·N, D] → [B·T·N, D] */
export type AcrossTime = (x: Value, p: Params, block: number) => Value;

/** The vision encoder over B clips of one grid (an image is a clip of T = 1). pixelValues: [B, T, N, C·2·14·14], patches in merge order.
 * @param windows of a model that has them. All blocks keep their order: T and N still line up for temporal attention.
 * @param across temporal attention, where it is to be worked out elsewhere; then T may be any number of frame groups
 * @param fused whether attention over whole frames is one kernel that holds no scores, whose gradient works them out again, and turning by rotary angles another */
export function visionTower(p: Params, pixelValues: Value, { space, time }: VisionRope, config: VisionConfig, windows?: Windows, { across, fused = false }: { across?: AcrossTime; fused?: boolean } = {}): VisionOutputs {
  const [B, T, N, pixels] = pixelValues.shape;
  const unit = config.spatial_merge_size ** 2; // patches that become one token
  const acrossTime: AcrossTime = across ?? ((x, block) => x.add(temporalAttention(block.at('temp_attn'), norm(block.at('norm3'), x), time, { B, T, N }, config.embed_dim / config.num_heads, timeRows(config), fused))); // [B·T·N, D]
  const patches = patchEmbed(p.at('patch_embed.proj'), pixelValues.reshape([dim.mul(B, T, N), pixels])); // [B·T·N, D]
  let x = patches;
  if (config.windowed !== undefined) {
    if (windows === undefined) throw new StaveError('USAGE', { what: 'this vision encoder attends within windows, which were not given', fix: 'give the windows of tableInputs' });
    x = reorder(x, windows.index, unit); // [B·T·N, D]
    space = { cos: reorder(space.cos, windows.index, unit), sin: reorder(space.sin, windows.index, unit) }; // [N, d]
  }

  const hidden: Value[] = [];
  for (let i = 0; i < config.depth; i++) {
    const block = p.at('blocks').at(i);
    x = visionBlock(block, x, space, (x) => acrossTime(x, block, i), config, isWindowed(config, i) ? windows : undefined, fused);
    hidden.push(x);
  }
  const embeds = merger(p.at('merger'), x, dim.div(x.shape[0], unit), config.spatial_merge_size); // [B·T·M, out_hidden_size]
  return { patches, hidden, embeds: windows === undefined ? embeds : reorder(embeds, windows.reverse, 1) };
}

/** A 3-D convolution whose stride is its kernel is a linear layer over flattened patches. x: [.., C·2·14·14] → [.., D] */
function patchEmbed(p: Params, x: Value): Value {
  const weight = p.weight(); // [D, C, 2, 14, 14]
  return matmul(x, weight.reshape([weight.shape[0], x.shape[1]]), { transB: true }); // [.., D]
}

/** Puts the M groups of `unit` rows of each frame into the order of the index. x: [frames·M·unit, D], index: [M] → [frames·M·unit, D] */
function reorder(x: Value, index: Value, unit: number): Value {
  const [M] = index.shape;
  const frames = dim.div(x.shape[0], dim.mul(M, unit));
  return gather(x.reshape([frames, M, unit * Number(x.shape[1])]), index, 1).reshape(x.shape); // [frames·M·unit, D]
}

/** STAVE block: space, then time, then MLP; pre-norm residuals. What a block is made of shows in its tensors: without temp_attn it is the plain Qwen2-VL or
 * Qwen2.5-VL block, norms without bias are RMS norms, a gate_proj makes the MLP a SwiGLU. x: [frames·N, D], rope of a frame: [N, d] → [frames·N, D]
 * @param time adds temporal attention to x */
export function visionBlock(p: Params, x: Value, rope: Rope, time: (x: Value) => Value, config: VisionConfig, windows?: Windows, fused = false): Value {
  const act = activation(config.hidden_act);
  const attend = fused && windows === undefined ? fusedAttention : spatialAttention;
  const space = (x: Value) => x.add(attend(p.at('attn'), norm(p.at('norm1'), x), rope, config, windows));

  if (!p.has('temp_attn.qkv.weight')) x = space(x);
  else if (config.temporal_attention?.order === 'temporal-first') x = space(time(x));
  else x = time(space(x));
  return x.add((p.has('mlp.gate_proj.weight') ? gatedMlp : mlp)(p.at('mlp'), norm(p.at('norm2'), x), act));
}

/** Each patch attends over the N patches of its own frame group, or those of its window alone. x: [frames·N, D], rope: [N, d] → [frames·N, D] */
function spatialAttention(p: Params, x: Value, rope: Rope, { embed_dim: D, num_heads: H }: VisionConfig, windows?: Windows): Value {
  const [N] = rope.cos.shape;
  const frames = dim.div(x.shape[0], N);
  const d = D / H;
  const qkv = linear(p.at('qkv'), x)
    .reshape([frames, N, 3, H, d])
    .transpose([2, 0, 3, 1, 4]); // [3, frames, H, N, d]
  const [qk, v] = split(qkv, [2, 1], 0);
  const [q, k] = split(applyRope(qk, rope), 2, 0).map((t) => t.reshape([frames, H, N, d])); // [frames, H, N, d]
  const y = (windows === undefined ? attention : windowAttention(windows))(q, k, v.reshape([frames, H, N, d])); // [frames, H, N, d]
  return linear(p.at('proj'), y.transpose([0, 2, 1, 3]).reshape([x.shape[0], D])); // [frames·N, D]
}

/** The same over whole frames in one kernel, for which heads stay side by side. x: [frames·N, D], rope: [N, d] → [frames·N, D] */
function fusedAttention(p: Params, x: Value, { cos, sin }: Rope, { embed_dim: D, num_heads: H }: VisionConfig): Value {
  const [N] = cos.shape;
  const frames = dim.div(x.shape[0], N);
  const [q, k, v] = split(linear(p.at('qkv'), x).reshape([frames, N, 3 * D]), 3, 2); // [frames, N, D]
  const y = multiHeadAttention(rotaryEmbedding(q, cos, sin), rotaryEmbedding(k, cos, sin), v, H); // [frames, N, D]
  return linear(p.at('proj'), y.reshape([x.shape[0], D])); // [frames·N, D]
}

/** Attention within K windows of W slots, all of a frame's at once; empty slots are masked. Scores take N·W places a head, not N². q, k, v: [F, H, N, d] → [F, H, N, d] */
function windowAttention({ slots, places, bias }: Windows): (q: Value, k: Value, v: Value) => Value {
  return (q, k, v) => {
    const [F, H, , d] = q.shape;
    const [K, W] = slots.shape;
    const [qw, kw, vw] = [q, k, v].map((t) => gather(t, slots, 2).reshape([dim.mul(F, H), K, W, d])); // [F·H, K, W, d]
    const y = attention(qw, kw, vw, { bias }); // [F·H, K, W, d]
    return gather(y.reshape([F, H, dim.mul(K, W), d]), places, 2); // [F, H, N, d]
  };
}
