/** The attributes of every op, named as in the ONNX operator docs. Shapes may hold symbolic dims where ONNX has a run-time input. */
import type { Dim } from '../dims.ts';
import type { DType } from '../tensor.ts';

type None = Record<never, never>;
type Reduce = { axes: readonly number[]; keepdims: boolean };

export type Attrs = {
  // elementwise, numpy broadcasting
  Add: None; Sub: None; Mul: None; Div: None; Pow: None; Min: None; Max: None;
  Equal: None; Less: None; LessOrEqual: None; Greater: None; GreaterOrEqual: None; And: None; Or: None; Not: None; Where: None;
  Neg: None; Exp: None; Log: None; Sqrt: None; Reciprocal: None; Abs: None; Sign: None; Floor: None; Ceil: None; Round: None;
  Sin: None; Cos: None; Tanh: None; Sigmoid: None; Erf: None;
  Cast: { to: DType };
  /** The value itself; gradients stop here. */
  Identity: None;
  // matrix products
  /** alpha · op(a) op(b), op transposing the last two axes; com.microsoft FusedMatMul unless all attributes are at rest. */
  MatMul: { transA: boolean; transB: boolean; alpha: number };
  /** With a matrix of few bits, see PackedMatrix; com.microsoft. accuracy_level 4: rows of a are rounded to 8 bits, block by block. */
  MatMulNBits: { K: number; N: number; bits: number; block_size: number };
  /** Of whole numbers: uint8 [.., K] · int8 [K, N] → int32 [.., N]. */
  MatMulInteger: None;
  /** (a − zero_point) b · scale: uint8 [M, K], int8 [K, N], a scale for each column [N] → float32 [M, N]; com.microsoft. */
  MatMulIntegerToFloat: { zero_point: number };
  /** Rows of numbers as codes of 8 bits, x / scale + zero_point, to the nearest, halves to even, cut off at 0 and 255: float32 [M, K], a scale for each row [M] → uint8 [M, K]. */
  QuantizeLinear: { zero_point: number };
  // shape
  Reshape: { shape: readonly Dim[] };
  Transpose: { perm: readonly number[] };
  Expand: { shape: readonly Dim[] };
  Slice: { axis: number; start: Dim; end: Dim };
  /** Zeros before and after along one axis. */
  Pad: { axis: number; before: Dim; after: Dim };
  Concat: { axis: number };
  Split: { axis: number; split: readonly Dim[] };
  /** A tensor of one repeated number. */
  ConstantOfShape: { shape: readonly Dim[]; value: number; dtype: DType };
  /** A dimension as an int64 scalar (no ONNX op of its own: computed from the shapes of the graph's inputs). */
  Dim: { dim: Dim };
  /** Inputs: a bool, and the two values of which it takes the first or the second. `shape` holds for the one that is taken; the other may have another size. */
  If: { shape: readonly Dim[] };
  // reduction
  ReduceSum: Reduce; ReduceMean: Reduce; ReduceMax: Reduce; ReduceMin: Reduce;
  ArgMax: { axis: number; keepdims: boolean };
  // indexing
  Gather: { axis: number };
  /** Rows of a matrix of few bits; com.microsoft. */
  GatherBlockQuantized: { bits: number; block_size: number };
  GatherElements: { axis: number };
  /** With reduction "add". (ScatterND would take whole rows, but its threads lose updates of repeated rows: onnxruntime 1.30.) */
  ScatterElements: { axis: number };
  OneHot: { depth: number };
  // normalisation and other fused ops
  Softmax: { axis: number };
  LogSoftmax: { axis: number };
  /** Over the last axis. Outputs: Y, Mean, InvStdDev. */
  LayerNormalization: { epsilon: number };
  /** Root mean square norm over the last axis. Outputs: Y, InvStdDev. */
  SimplifiedLayerNormalization: { epsilon: number };
  /** softmax(q kᵀ / √d) v for each of so many heads of d. Inputs and output [B, N, heads·d]. */
  MultiHeadAttention: { num_heads: number };
  /** Turns the pairs (x[i], x[i + d/2]) of each head by the angles of its position; com.microsoft. x: [B, N, H·d]; cos, sin: [N, d], whose second half repeats the first. */
  RotaryEmbedding: None;
  /** x Φ(x), with erf. */
  Gelu: None;
  /** x σ(alpha x). Outputs: Y, and σ(alpha x) for the gradient. */
  QuickGelu: { alpha: number };
};

export type Op = keyof Attrs;
