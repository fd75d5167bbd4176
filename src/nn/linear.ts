import { matmul, type Value } from '../graph/index.ts';
import type { Params } from './params.ts';

/** x Wᵀ + b, W: [out, in] as checkpoints store it, b optional. x: [.., in] → [.., out]. Other forms of a linear layer (low-rank adapters, quantised weights) belong here: p knows what it holds. */
export function linear(p: Params, x: Value): Value {
  const y = matmul(x, p.weight(), { transB: true });
  const bias = p.bias();
  return bias === undefined ? y : y.add(bias);
}
