import { gather, gatherPacked, matmul, matmulPacked, Value } from '../graph/index.ts';
import { lowRank } from './lora.ts';
import type { Params } from './params.ts';

/** x Wᵀ + b, W: [out, in] as checkpoints store it or in few bits, b optional, and what a low-rank adapter adds where p has one. x: [.., in] → [.., out] */
export function linear(p: Params, x: Value): Value {
  const W = p.matrix();
  const y = W instanceof Value ? matmul(x, W, { transB: true }) : matmulPacked(x, W);
  const bias = p.bias();
  const plain = bias === undefined ? y : y.add(bias);
  const lora = p.lora();
  return lora === undefined ? plain : plain.add(lowRank(lora, x));
}

/** The rows of W for these tokens; the same W may be a head: linear(p, x). ids: [n] → [n, D] */
export function embedding(p: Params, ids: Value): Value {
  const W = p.matrix();
  return W instanceof Value ? gather(W, ids) : gatherPacked(W, ids);
}
