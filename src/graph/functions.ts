/** Functions over values that are no methods: products, joining and cutting, indexing, norms and activations. */
import { StaveError } from '../errors.ts';
import { canonical, dim, type Dim } from './dims.ts';
import type { DType } from './tensor.ts';
import { apply, applyAll, axisOf, constant, Value } from './value.ts';

type Operand = Value | number;

function lift(a: Operand, b: Operand): [Value, Value] {
  const dtype = a instanceof Value ? a.dtype : (b as Value).dtype;
  return [a instanceof Value ? a : constant(a, dtype), b instanceof Value ? b : constant(b, dtype)];
}

/** alpha · op(a) op(b) over the last two axes, batched over the others. Linear layers: matmul(x, w, {transB: true}), w: [out, in]. */
export function matmul(a: Value, b: Value, { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number } = {}): Value {
  return apply('MatMul', [a, b], { transA, transB, alpha });
}

/** a b of whole numbers, exact. a: uint8 [.., K], b: int8 [K, N] → int32 [.., N] */
export const matmulInteger = (a: Value, b: Value): Value => apply('MatMulInteger', [a, b], {});

export function concat(values: readonly Value[], axis: number): Value {
  if (values.length === 0) throw new StaveError('GRAPH', { what: 'concat of no values' });
  return values.length === 1 ? values[0] : apply('Concat', values, { axis: axisOf(values[0], axis) });
}

/** Cuts an axis into equal parts (a number) or into parts of the given lengths. */
export function split(x: Value, parts: number | readonly Dim[], axis: number): readonly Value[] {
  const at = axisOf(x, axis);
  const lengths = typeof parts === 'number' ? Array.from({ length: parts }, () => dim.div(x.shape[at], parts)) : [...parts];
  return lengths.length === 1 && dim.equal(lengths[0], x.shape[at]) ? [x] : applyAll('Split', [x], { axis: at, split: lengths });
}

/** Entries of `data` along an axis: [..., V, ...] and indices [i...] → [..., i..., ...]. */
export function gather(data: Value, indices: Value, axis = 0): Value {
  return apply('Gather', [data, indices], { axis: axisOf(data, axis) });
}

/** One entry along the axis for each index: out[i][j] = data[i][indices[i][j]] for axis 1. Same rank. */
export function gatherElements(data: Value, indices: Value, axis = -1): Value {
  return apply('GatherElements', [data, indices], { axis: axisOf(data, axis) });
}

/** Zeros of `shape` with `updates` added at the indices along the axis, repeats summed: the transpose of gather(·, indices, axis). */
export function scatterAdd(shape: readonly Dim[], indices: Value, updates: Value, axis = 0): Value {
  const at = axis < 0 ? axis + shape.length : axis;
  const n = dim.mul(...indices.shape);
  const target = shape.with(at, n);
  const along = indices.reshape(shape.map((_, i) => (i === at ? n : 1))).expand(target); // [..., n, ...]
  return apply('ScatterElements', [filled(shape, 0, updates.dtype), along, updates.reshape(target)], { axis: at });
}

export const where = (condition: Value, a: Operand, b: Operand): Value => apply('Where', [condition, ...lift(a, b)], {});
/** a where the condition holds, else b. Unlike where() it takes all of one, and the other may have any size: `shape` is what the one taken has. A normalisation or sum that alone uses the choice is computed of the
 * one taken, which is then not copied. No gradient flows through it. condition: bool [] */
export const choose = (condition: Value, a: Value, b: Value, shape: readonly Dim[]): Value => apply('If', [condition, a, b], { shape: [...shape].map(canonical) });
export const equal = (a: Operand, b: Operand): Value => apply('Equal', lift(a, b), {});
export const less = (a: Operand, b: Operand): Value => apply('Less', lift(a, b), {});
export const lessOrEqual = (a: Operand, b: Operand): Value => apply('LessOrEqual', lift(a, b), {});
export const greater = (a: Operand, b: Operand): Value => apply('Greater', lift(a, b), {});
export const greaterOrEqual = (a: Operand, b: Operand): Value => apply('GreaterOrEqual', lift(a, b), {});
export const and = (a: Value, b: Value): Value => apply('And', [a, b], {});
export const or = (a: Value, b: Value): Value => apply('Or', [a, b], {});
export const not = (a: Value): Value => apply('Not', [a], {});
export const minimum = (a: Operand, b: Operand): Value => apply('Min', lift(a, b), {});
export const maximum = (a: Operand, b: Operand): Value => apply('Max', lift(a, b), {});
export const pow = (a: Operand, b: Operand): Value => apply('Pow', lift(a, b), {});

export const softmax = (x: Value, axis = -1): Value => apply('Softmax', [x], { axis: axisOf(x, axis) });
export const logSoftmax = (x: Value, axis = -1): Value => apply('LogSoftmax', [x], { axis: axisOf(x, axis) });

/** (x − mean) / √(variance + epsilon) · weight + bias over the last axis. weight, bias: [D] */
export function layerNormalization(x: Value, weight: Value, bias: Value, epsilon: number): Value {
  return apply('LayerNormalization', [x, weight, bias], { epsilon });
}

/** x / √(mean(x²) + epsilon) · weight over the last axis. weight: [D] */
export function rmsNormalization(x: Value, weight: Value, epsilon: number): Value {
  return apply('SimplifiedLayerNormalization', [x, weight], { epsilon });
}

/** softmax(q kᵀ / √d) v for each of `num_heads` heads, in a kernel that holds no scores. q: [B, N, H·d], k and v: [B, K, H·d] → [B, N, H·d] */
export function multiHeadAttention(q: Value, k: Value, v: Value, num_heads: number): Value {
  return apply('MultiHeadAttention', [q, k, v], { num_heads });
}

/** Turns the pairs (x[i], x[i + d/2]) of each head by the angles of its position, in one kernel. x: [B, N, H·d]; cos, sin: [N, d], the second half of d repeats the first */
export const rotaryEmbedding = (x: Value, cos: Value, sin: Value): Value => apply('RotaryEmbedding', [x, cos, sin], {});

/** x σ(1.702 x) */
export const quickGelu = (x: Value): Value => apply('QuickGelu', [x], { alpha: 1.702 });
/** x σ(x) */
export const silu = (x: Value): Value => apply('QuickGelu', [x], { alpha: 1 });
/** x Φ(x), the exact form with erf */
export const gelu = (x: Value): Value => apply('Gelu', [x], {});

/** Position of the first maximum along an axis, int64. */
export function argMax(x: Value, axis: number, { keepdims = false }: { keepdims?: boolean } = {}): Value {
  return apply('ArgMax', [x], { axis: axisOf(x, axis), keepdims });
}

/** indices [...] int64 → [..., depth] float32 with one 1 in each row. */
export const oneHot = (indices: Value, depth: number): Value => apply('OneHot', [indices], { depth });

/** The same value; no gradient flows through it. */
export const stopGradient = (x: Value): Value => apply('Identity', [x], {});

/** One number in every place. */
export const filled = (shape: readonly Dim[], value: number, dtype: DType = 'float32'): Value => apply('ConstantOfShape', [], { shape: [...shape], value, dtype });

/** A dimension as an int64 scalar, known when the graph runs. */
export const dimension = (d: Dim): Value => (typeof d === 'number' ? constant(d, 'int64') : apply('Dim', [], { dim: d }));
