import { dim, rotaryEmbedding, split, type Dim, type Value } from '../../graph/index.ts';
import { applyRope, attention, linear, type Params, type Rope } from '../../nn/index.ts';
import type { TemporalAttention } from './vision-config.ts';

/** Sizes of a batch of clips: B clips of T frame groups, N patches each. */
export type Clips = { B: Dim; T: Dim; N: Dim };

/** Stacked temporal attention: each patch position attends over the T frame groups of its own clip, both ways.
 * x: [B·T·N, D], time: [T, head_dim] → [B·T·N, D]. arXiv:2510.26027; AliRasekh/STAVEQ2 staveq2-training/model.py */
export function temporalAttention(p: Params, x: Value, time: Rope, { B, T, N }: Clips, head_dim: number, rows: TemporalAttention['rows'], fused = false): Value {
  return linear(p.at('proj'), placeAttended(attendOverTime(p, x, time, { B, T, N }, head_dim, fused), { B, T, N }, rows)); // [B·T·N, D]
}

/** The rows of what attendOverTime() gives in the order in which they meet x, see TemporalAttention. y: [B·N, T, H·d], the authors' order → [B·T·N, H·d] */
export function placeAttended(y: Value, { B, T, N }: Clips, rows: TemporalAttention['rows']): Value {
  const width = y.shape[2];
  const placed = rows === 'patch-major' ? y : y.reshape([B, N, T, width]).transpose([0, 2, 1, 3]); // [B, T, N, H·d]
  return placed.reshape([dim.mul(B, T, N), width]); // [B·T·N, H·d]
}

/** The part of it that sees other frame groups, one sequence for each patch position of each clip; the projection that follows sees one row at a time.
 * The number of heads H follows from qkv's shape, so a quarter, half or all of the spatial heads need no setting. x: [B·T·N, D] → [B·N, T, H·d]
 * @param fused see visionTower */
export function attendOverTime(p: Params, x: Value, time: Rope, { B, T, N }: Clips, head_dim: number, fused = false): Value {
  const H = headsOf(p, head_dim);
  const d = head_dim;
  const qkv = linear(p.at('qkv'), x)
    .reshape([B, T, N, 3, H, d])
    .transpose([3, 0, 2, 4, 1, 5]) // [3, B, N, H, T, d]
    .reshape([3, dim.mul(B, N), H, T, d]); // [3, B·N, H, T, d]
  const [q, k, v] = split(qkv, 3, 0).map((t) => t.reshape([dim.mul(B, N), H, T, d])); // [B·N, H, T, d]
  const turn = (t: Value): Value => (fused ? rotaryEmbedding(t.reshape([dim.mul(B, N, H), T, d]), time.cos, time.sin).reshape(t.shape) : applyRope(t, time)); // [B·N, H, T, d]
  const y = attention(turn(q), turn(k), v); // [B·N, H, T, d]
  return y.transpose([0, 2, 1, 3]).reshape([dim.mul(B, N), T, H * d]); // [B·N, T, H·d]
}

/** Heads of a block's temporal attention: qkv.weight is [3·heads·head_dim, D]. */
function headsOf(p: Params, head_dim: number): number {
  return Number(p.at('qkv').matrix().shape[0]) / (3 * head_dim);
}
