import { matmul, type Value } from '../graph/index.ts';

/** A low-rank adapter on a linear layer (Hu et al., LoRA, arXiv:2106.09685): W + scale · B A, with A and B trained in place of W. */
export type Lora = {
  A: Value; // [r, in]
  B: Value; // [out, r]
  /** α / r. */
  scale: number;
  /** In training: sets entries of the adapter's own input to zero by chance. */
  dropout?: (x: Value) => Value;
};

/** scale · (x Aᵀ) Bᵀ: two thin products, W + scale · B A is never made. x: [.., in] → [.., out] */
export function lowRank({ A, B, scale, dropout }: Lora, x: Value): Value {
  const narrow = matmul(dropout === undefined ? x : dropout(x), A, { transB: true }); // [.., r]
  return matmul(narrow, B, { transB: true, alpha: scale }); // [.., out]
}
