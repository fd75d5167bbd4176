import { matmul, type Value } from '../graph/index.ts';
import { lowRank } from './lora.ts';
import type { Params } from './params.ts';

/** x Wᵀ + b, W: [out, in] as checkpoints store it, b optional, and what a low-rank adapter adds where p has one. x: [.., in] → [.., out].
 * Other forms of a linear layer (quantised weights) belong here: p knows what it holds. */
export function linear(p: Params, x: Value): Value {
  const y = matmul(x, p.weight(), { transB: true });
  const bias = p.bias();
  const plain = bias === undefined ? y : y.add(bias);
  const lora = p.lora();
  return lora === undefined ? plain : plain.add(lowRank(lora, x));
}
