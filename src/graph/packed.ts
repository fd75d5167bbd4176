/** Matrices in few bits, and what can be done with them. */
import { StaveError } from '../errors.ts';
import { dim } from './dims.ts';
import { maximum } from './functions.ts';
import { apply, type Value } from './value.ts';

/** A matrix [out, in] of few bits, as one of the engine's kernels wants it. */
export type PackedMatrix = BlockMatrix | RowMatrix;

/** Numbers are codes of 4 or 8 bits, with a scale and a zero point for each block of a row: w = (code − zero) · scale.
 * A row is filled up to whole blocks; codes behind its end count for nothing. Of two 4-bit codes the earlier stands in a byte's lower half. */
export type BlockMatrix = {
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

/** Numbers are codes of 8 bits, with a scale for each row: w = code · scale. */
export type RowMatrix = {
  shape: readonly [number, number];
  bits: 8;
  block_size?: undefined;
  /** int8 [in, out]: the matrix lies on its side */
  codes: Value;
  /** float32 [out] */
  scales: Value;
};

/** x Wᵀ in whole numbers of 8 bits: x is rounded, too. x: [.., in] → [.., out] */
export function matmulPacked(x: Value, W: PackedMatrix): Value {
  return W.block_size === undefined ? matmulRows(x, W) : matmulNBits(x, W);
}

/** The engine's fast kernels round x to 8 bits, each block of a row by its largest number. */
function matmulNBits(x: Value, { shape: [N, K], bits, block_size, codes, scales, zeros }: BlockMatrix): Value {
  return apply('MatMulNBits', [x, codes, scales, zeros], { K, N, bits, block_size });
}

/** The code of 0: codes from 0 to 255 reach from −128 to 127. */
const ZERO = 128;

/** A row of zeros must not be divided by zero. */
const LEAST = 1e-30;

/** x is rounded to 8 bits here, each row by its largest number. */
function matmulRows(x: Value, { shape: [N, K], codes, scales }: RowMatrix): Value {
  const M = dim.mul(...x.shape.slice(0, -1));
  const rows = x.reshape([M, K]); // [M, K]
  const largest = rows.max(-1, { keepdims: true }).mul(1 / (255 - ZERO)), smallest = rows.min(-1, { keepdims: true }).mul(-1 / ZERO); // [M, 1]
  const step = maximum(maximum(largest, smallest), LEAST); // [M, 1]
  const rounded = apply('QuantizeLinear', [rows, step.reshape([M])], { zero_point: ZERO }); // [M, K]
  const y = apply('MatMulIntegerToFloat', [rounded, codes, scales], { zero_point: ZERO }); // [M, N]
  return y.mul(step).reshape([...x.shape.slice(0, -1), N]); // [.., N]
}

/** Rows of W, exact. indices: int64 [i..] → [i.., in]  @throws GRAPH where rows are filled up (the engine reads those wrong), or lie across each other */
export function gatherPacked(W: PackedMatrix, indices: Value): Value {
  if (W.block_size === undefined) throw new StaveError('GRAPH', { what: `a matrix [${W.shape.join(', ')}] with a scale for each row is no table` });
  const { shape, bits, block_size, rows, scales, zeros } = W;
  if (rows === undefined) throw new StaveError('GRAPH', { what: `rows of ${shape[1]} numbers are no whole blocks of ${block_size}` });
  return apply('GatherBlockQuantized', [rows, indices, scales, zeros], { bits, block_size });
}
