import type { Qwen2VLConfig } from '../models/qwen2vl/index.ts';

/** Size of the biases: far from the edges a head of 32 gives its neighbour about half of its attention before anything is learnt, over time three quarters. */
const AMPLITUDE = 4;
const THETA = 10_000; // of the vision encoder's rotary embedding
const taps = [[-1, 0], [1, 0], [0, -1], [0, 1]] as const; // rows, columns

/** Sets the biases of a vision block's queries and keys so that each head looks at one neighbour to begin with, as the taps of a convolution do
 * (d'Ascoli et al., ConViT, arXiv:2103.10697): in space the patches above, below, left and right (two apart from the third block on), over time
 * the groups before and after. Rotary embedding turns constant biases into a preference for a distance: bq·R(Δ)·bk = Σ a² cos((Δ − δ)θ) is
 * largest at Δ = δ. Other tensors are left alone. */
export function lookAtNeighbours(name: string, bias: Float32Array, { vision_config: { embed_dim, num_heads } }: Qwen2VLConfig): void {
  const [, block, attention] = /^visual\.blocks\.(\d+)\.(attn|temp_attn)\.qkv\.bias$/.exec(name) ?? [];
  if (attention === undefined) return;
  const head_dim = embed_dim / num_heads, half = head_dim / 2, width = bias.length / 3; // [q, k, v]
  const prefer = (head: number, pair: number, angle: number): void => {
    const at = head * head_dim + pair;
    bias[at] = AMPLITUDE; // q
    bias[width + at] = AMPLITUDE * Math.cos(angle); // k
    bias[width + at + half] = AMPLITUDE * Math.sin(angle);
  };
  for (let head = 0; head < width / head_dim; head++) {
    if (attention === 'temp_attn') {
      for (let j = 0; j < Math.min(4, half); j++) prefer(head, j, -(head % 2 === 0 ? -1 : 1) * THETA ** (-j / half));
      continue;
    }
    const reach = Number(block) < 2 ? 1 : 2, quarter = half / 2; // rows turn the first quarter of the pairs, columns the second
    const tap = taps[head % 4];
    for (const axis of [0, 1]) for (let j = 0; j < Math.min(2, quarter); j++) prefer(head, axis * quarter + j, -tap[axis] * reach * THETA ** (-j / quarter));
  }
}
