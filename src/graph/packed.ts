/** Matrices in few bits, and what can be done with them. */
import { StaveError } from '../errors.ts';
import { apply, type Value } from './value.ts';

/** A matrix [out, in] whose numbers are codes of 4 or 8 bits, with a scale and a zero point for each block of a row: w = (code − zero) · scale.
 * A row is filled up to whole blocks; codes behind its end count for nothing. Of two 4-bit codes the earlier stands in a byte's lower half. */
export type PackedMatrix = {
  shape: readonly [number, number];
  bits: 4 | 8;
  block_size: number;
  /** uint8 [out, blocks, block_size·bits/8] */
  codes: Value;
  /** The same bytes, row by row: uint8 [out, in·bits/8]. Absent where rows are filled up. */
  rows?: Value;
  /** float32 [out, blocks] */
  scales: Value;
  /** uint8 [out, ⌈blocks·bits/8⌉] */
  zeros: Value;
};

/** x Wᵀ. The engine's fast kernels round x to 8 bits, each block of a row by its largest number. x: [.., in] → [.., out] */
export function matmulNBits(x: Value, { shape: [N, K], bits, block_size, codes, scales, zeros }: PackedMatrix): Value {
  return apply('MatMulNBits', [x, codes, scales, zeros], { K, N, bits, block_size });
}

/** Rows of W, exact. indices: int64 [i..] → [i.., in]  @throws GRAPH where rows are filled up: the engine reads those wrong */
export function gatherBlockQuantized({ shape, bits, block_size, rows, scales, zeros }: PackedMatrix, indices: Value): Value {
  if (rows === undefined) throw new StaveError('GRAPH', { what: `rows of ${shape[1]} numbers are no whole blocks of ${block_size}` });
  return apply('GatherBlockQuantized', [rows, indices, scales, zeros], { bits, block_size });
}
