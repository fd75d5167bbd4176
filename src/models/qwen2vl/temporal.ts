import { dim, split, type Dim, type Value } from '../../graph/index.ts';
import { applyRope, attention, linear, type Params, type Rope } from '../../nn/index.ts';
import type { TemporalAttention } from './vision-config.ts';

/** Sizes of a batch of clips: B clips of T frame groups, N patches each. */
export type Clips = { B: Dim; T: Dim; N: Dim };

/** Stacked temporal attention: each patch position attends over the T frame groups of its own clip, both ways.
 * x: [B·T·N, D], time: [T, head_dim] → [B·T·N, D]. arXiv:2510.26027; AliRasekh/STAVEQ2 staveq2-training/model.py */
export function temporalAttention(p: Params, x: Value, time: Rope, { B, T, N }: Clips, head_dim: number, rows: TemporalAttention['rows']): Value {
  const y = attendOverTime(p, x, time, { B, T, N }, head_dim); // [B·N, T, H·d]: the authors' order of rows, see TemporalAttention
  const width = y.shape[2];
  const placed = rows === 'patch-major' ? y : y.reshape([B, N, T, width]).transpose([0, 2, 1, 3]); // [B, T, N, H·d]
  return linear(p.at('proj'), placed.reshape([dim.mul(B, T, N), width])); // [B·T·N, D]
}

/** The part of it that sees other frame groups, one sequence for each patch position of each clip; the projection that follows sees one row at a time.
 * The number of heads H follows from qkv's shape, so a quarter, half or all of the spatial heads need no setting. x: [B·T·N, D] → [B·N, T, H·d] */
export function attendOverTime(p: Params, x: Value, time: Rope, { B, T, N }: Clips, head_dim: number): Value {
  const H = headsOf(p, head_dim);
  const d = head_dim;
  const qkv = linear(p.at('qkv'), x)
    .reshape([B, T, N, 3, H, d])
    .transpose([3, 0, 2, 4, 1, 5]) // [3, B, N, H, T, d]
    .reshape([3, dim.mul(B, N), H, T, d]); // [3, B·N, H, T, d]
  const [qk, v] = split(qkv, [2, 1], 0);
  const [q, k] = split(applyRope(qk, time), 2, 0).map((t) => t.reshape([dim.mul(B, N), H, T, d])); // [B·N, H, T, d]
  const y = attention(q, k, v.reshape([dim.mul(B, N), H, T, d])); // [B·N, H, T, d]
  return y.transpose([0, 2, 1, 3]).reshape([dim.mul(B, N), T, H * d]); // [B·N, T, H·d]
}

/** Heads of a block's temporal attention: qkv.weight is [3·heads·head_dim, D]. */
function headsOf(p: Params, head_dim: number): number {
  return Number(p.at('qkv').matrix().shape[0]) / (3 * head_dim);
}
