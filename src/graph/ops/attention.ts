/** Attention of several heads in one kernel, which goes over keys block by block and holds no scores. */
import { concat, matmul, softmax, split } from '../functions.ts';
import { dim } from '../dims.ts';
import { apply, type Value } from '../value.ts';
import { refuse, sameDType, type Rules } from './rule.ts';

/** [B, N, H·d] → [B, H, N, d] */
const apart = (x: Value, H: number): Value => x.reshape([x.shape[0], x.shape[1], H, dim.div(x.shape[2], H)]).transpose([0, 2, 1, 3]);
/** [B, H, N, d] → [B, N, H·d] */
const together = (x: Value): Value => x.transpose([0, 2, 1, 3]).reshape([x.shape[0], x.shape[2], dim.mul(x.shape[1], x.shape[3])]);

/** softmax(q kᵀ / √d), [B, H, N, K] */
const weightsOf = (q: Value, k: Value): Value => softmax(matmul(q, k, { transB: true, alpha: scale(q) }), -1);

const scale = (q: Value): number => 1 / Math.sqrt(Number(q.shape[3]));

/** [x₁ x₂] → [−x₂ x₁] in the last axis. */
const quarterTurn = (x: Value): Value => {
  const [first, second] = split(x, 2, -1);
  return concat([second.neg(), first], -1);
};

export const attention = {
  MultiHeadAttention: {
    shape: (inputs, { num_heads }) => {
      const [q, k, v] = inputs;
      const fit = inputs.every(({ shape }) => shape.length === 3 && shape[0] === q.shape[0] && shape[2] === q.shape[2]) && k.shape[1] === v.shape[1];
      if (!fit || Number(q.shape[2]) % num_heads !== 0) throw refuse('MultiHeadAttention', inputs, `all must be [B, N, D], D a multiple of ${num_heads}, with as many keys as values`);
      return [{ dtype: sameDType('MultiHeadAttention', inputs), shape: q.shape }];
    },
    /** With P the weights and dP = dy vᵀ: dS = P ⊙ (dP − Σ P⊙dP), dq = dS k / √d, dk = dSᵀ q / √d, dv = Pᵀ dy. The weights are worked out again. */
    grad: (dy, inputs, _y, { num_heads }) => {
      const [q, k, v, g] = [...inputs, dy].map((x) => apart(x, num_heads));
      const p = weightsOf(q, k);
      const dp = matmul(g, v, { transB: true });
      const ds = p.mul(dp.sub(p.mul(dp).sum(-1, { keepdims: true })));
      return [matmul(ds, k, { alpha: scale(q) }), matmul(ds, q, { transA: true, alpha: scale(q) }), matmul(p, g, { transA: true })].map(together);
    },
    onnx: ({ num_heads }) => ({ domain: 'com.microsoft', attributes: { num_heads: { int: num_heads } } }),
    decomposition: (inputs, { num_heads }) => {
      const [q, k, v] = inputs.map((x) => apart(x, num_heads));
      return together(matmul(weightsOf(q, k), v));
    },
  },
  RotaryEmbedding: {
    shape: (inputs) => {
      const [x, cos, sin] = inputs;
      const [N, d] = cos.shape;
      const fits = x.shape.length === 3 && x.shape[1] === N && Number(x.shape[2]) % Number(d) === 0;
      if (!fits || cos.shape.length !== 2 || cos.shape.join() !== sin.shape.join()) throw refuse('RotaryEmbedding', inputs, 'needs [B, N, H·d] and two tables [N, d]');
      return [{ dtype: sameDType('RotaryEmbedding', inputs), shape: x.shape }];
    },
    /** Turned back. The tables have none. */
    grad: (dy, [, cos, sin]) => [apply('RotaryEmbedding', [dy, cos, sin.neg()], {}), null, null],
    onnx: (_attrs, { inputs: [x, cos, sin], types: [, { shape: [, d] }] }, lower) => {
      const half = (table: string): string => lower.node('Slice', [table, ...[0, Number(d) / 2, 1].map((n) => lower.constant([n], 'int64', [1]))]);
      return { domain: 'com.microsoft', inputs: [x, lower.constant([0], 'int64', [1]), half(cos), half(sin)] };
    },
    decomposition: ([x, cos, sin]) => {
      const [N, d] = cos.shape;
      const heads = x.reshape([x.shape[0], N, -1, d]); // [B, N, H, d]
      const [c, s] = [cos, sin].map((table) => table.reshape([N, 1, d])); // [N, 1, d]
      return heads.mul(c).add(quarterTurn(heads).mul(s)).reshape(x.shape); // [B, N, H·d]
    },
  },
} satisfies Partial<Rules>;
