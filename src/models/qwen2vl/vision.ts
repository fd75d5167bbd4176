import { StaveError } from '../../errors.ts';
import { dim, gather, matmul, split, type Dim, type Value } from '../../graph/index.ts';
import { activation, applyRope, attention, gatedMlp, linear, mlp, norm, type Params, type Rope } from '../../nn/index.ts';
import { merger } from './merger.ts';
import { temporalAttention, type Clips } from './temporal.ts';
import { defaultRows, isWindowed, type VisionConfig } from './vision-config.ts';

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

/** The vision encoder over B clips of one grid (an image is a clip of T = 1). pixelValues: [B, T, N, C·2·14·14], patches in merge order.
 * @param windows of a model that has them. All blocks keep their order: T and N still line up for temporal attention. */
export function visionTower(p: Params, pixelValues: Value, { space, time }: VisionRope, config: VisionConfig, windows?: Windows): VisionOutputs {
  const [B, T, N, pixels] = pixelValues.shape;
  const frames = dim.mul(B, T);
  const unit = config.spatial_merge_size ** 2; // patches that become one token
  const patches = patchEmbed(p.at('patch_embed.proj'), pixelValues.reshape([dim.mul(frames, N), pixels])); // [B·T·N, D]
  let x = patches;
  if (config.windowed !== undefined) {
    if (windows === undefined) throw new StaveError('USAGE', { what: 'this vision encoder attends within windows, which were not given', fix: 'give the windows of tableInputs' });
    x = reorder(x, windows.index, frames, unit); // [B·T·N, D]
    space = { cos: reorder(space.cos, windows.index, 1, unit), sin: reorder(space.sin, windows.index, 1, unit) }; // [N, d]
  }

  const hidden: Value[] = [];
  for (let i = 0; i < config.depth; i++) {
    x = visionBlock(p.at('blocks').at(i), x, { space, time }, { B, T, N }, config, isWindowed(config, i) ? windows : undefined);
    hidden.push(x);
  }
  const embeds = merger(p.at('merger'), x, dim.div(dim.mul(frames, N), unit), config.spatial_merge_size); // [B·T·M, out_hidden_size]
  return { patches, hidden, embeds: windows === undefined ? embeds : reorder(embeds, windows.reverse, frames, 1) };
}

/** A 3-D convolution whose stride is its kernel is a linear layer over flattened patches. x: [.., C·2·14·14] → [.., D] */
function patchEmbed(p: Params, x: Value): Value {
  const weight = p.weight(); // [D, C, 2, 14, 14]
  return matmul(x, weight.reshape([weight.shape[0], x.shape[1]]), { transB: true }); // [.., D]
}

/** Puts the M groups of `unit` rows of each frame into the order of the index. x: [frames·M·unit, D], index: [M] → [frames·M·unit, D] */
function reorder(x: Value, index: Value, frames: Dim, unit: number): Value {
  return gather(x.reshape([frames, index.shape[0], unit * Number(x.shape[1])]), index, 1).reshape(x.shape); // [frames·M·unit, D]
}

/** STAVE block: space, then time, then MLP; pre-norm residuals. What a block is made of shows in its tensors: without temp_attn it is the plain Qwen2-VL or
 * Qwen2.5-VL block, norms without bias are RMS norms, a gate_proj makes the MLP a SwiGLU. x: [B·T·N, D] → [B·T·N, D] */
export function visionBlock(p: Params, x: Value, rope: VisionRope, clips: Clips, config: VisionConfig, windows?: Windows): Value {
  const d = config.embed_dim / config.num_heads;
  const act = activation(config.hidden_act);
  const space = (x: Value) => x.add(spatialAttention(p.at('attn'), norm(p.at('norm1'), x), rope.space, clips, config, windows));
  const time = (x: Value) => x.add(temporalAttention(p.at('temp_attn'), norm(p.at('norm3'), x), rope.time, clips, d, config.temporal_attention?.rows ?? defaultRows(config.windowed !== undefined)));

  if (!p.has('temp_attn.qkv.weight')) x = space(x);
  else if (config.temporal_attention?.order === 'temporal-first') x = space(time(x));
  else x = time(space(x));
  return x.add((p.has('mlp.gate_proj.weight') ? gatedMlp : mlp)(p.at('mlp'), norm(p.at('norm2'), x), act));
}

/** Each patch attends over the N patches of its own frame group, or those of its window alone. x: [B·T·N, D] → [B·T·N, D] */
function spatialAttention(p: Params, x: Value, rope: Rope, { B, T, N }: Clips, { embed_dim: D, num_heads: H }: VisionConfig, windows?: Windows): Value {
  const frames = dim.mul(B, T);
  const d = D / H;
  const qkv = linear(p.at('qkv'), x)
    .reshape([frames, N, 3, H, d])
    .transpose([2, 0, 3, 1, 4]); // [3, B·T, H, N, d]
  const [qk, v] = split(qkv, [2, 1], 0);
  const [q, k] = split(applyRope(qk, rope), 2, 0).map((t) => t.reshape([frames, H, N, d])); // [B·T, H, N, d]
  const y = (windows === undefined ? attention : windowAttention(windows))(q, k, v.reshape([frames, H, N, d])); // [B·T, H, N, d]
  return linear(p.at('proj'), y.transpose([0, 2, 1, 3]).reshape([dim.mul(frames, N), D])); // [B·T·N, D]
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
