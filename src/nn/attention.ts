import { concat, dim, matmul, softmax, type Dim, type Value } from '../graph/index.ts';

export type AttentionOptions = {
  /** Factor on q kᵀ; 1/√d when absent. */
  scale?: number;
  /** Added to the scores, broadcast to [B, H, N, K]: 0 where a key may be seen, very negative where not. */
  bias?: Value;
};

/** softmax(q kᵀ · scale + bias) v. Keys and values may come in parts (a cache, then the new ones): only their scores are joined, the parts are never copied.
 * With fewer key heads than query heads each key head serves the H / kv queries that follow each other (grouped-query attention, arXiv:2305.13245), again without a copy.
 * q: [B, H, N, d], k and v: [B, kv, K, d] (K in parts) → [B, H, N, d] */
export function attention(q: Value, k: Value | Value[], v: Value | Value[], { scale, bias }: AttentionOptions = {}): Value {
  const keys = Array.isArray(k) ? k : [k];
  const values = Array.isArray(v) ? v : [v];
  const [B, H, N, d] = q.shape;
  const kv = keys[0].shape[1];
  const grouped = !dim.equal(H, kv);
  const rows = grouped ? dim.mul(dim.div(H, kv), N) : N;
  const lengths = keys.map((key) => key.shape[2]);
  const K = dim.add(...lengths);

  if (grouped) q = q.reshape([B, kv, rows, d]); // [B, kv, group·N, d]
  const parts = keys.map((key) => matmul(q, key, { transB: true, alpha: scale ?? 1 / Math.sqrt(Number(d)) })); // [B, kv, group·N, K]
  let scores = parts.length === 1 ? parts[0] : concat(parts, -1);
  if (bias !== undefined) {
    if (grouped) scores = scores.reshape([B, H, N, K]); // [B, H, N, K]
    scores = scores.add(bias);
  }
  let weights = softmax(scores, -1);
  if (grouped && bias !== undefined) weights = weights.reshape([B, kv, rows, K]); // [B, kv, group·N, K]

  let start: Dim = 0;
  const products = values.map((value, i) => {
    const end = dim.add(start, lengths[i]);
    const share = values.length === 1 ? weights : weights.slice(3, start, end);
    start = end;
    return matmul(share, value); // [B, kv, group·N, d]
  });
  const y = products.reduce((sum, product) => sum.add(product));
  return grouped ? y.reshape([B, H, N, d]) : y; // [B, H, N, d]
}
