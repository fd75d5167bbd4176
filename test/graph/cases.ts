/** For every differentiable op: functions that use it, and what to feed them. */
import {
  concat, gather, gatherElements, gelu, layerNormalization, logSoftmax, matmul, maximum, minimum, multiHeadAttention, quickGelu, rmsNormalization, rotaryEmbedding, scatterAdd, silu, softmax, split, where, less,
  type Dim, type Tensor, type Value,
} from '../../src/graph/index.ts';
import { apply } from '../../src/graph/value.ts';
import { floats, ints } from './evaluate.ts';

export type Case = {
  /** Inputs, floating point and differentiated unless given as a tensor. */
  shapes: readonly (readonly Dim[])[];
  /** Where the random values lie; −1 … 1 if left out. */
  range?: readonly [number, number];
  fixed?: readonly { shape: readonly Dim[]; tensor: Tensor }[];
  f(...values: Value[]): Value;
};

/** What the names in the shapes stand for. */
export const sizes = { B: 2, T: 3, N: 4 };

const one = (f: Case['f'], range: readonly [number, number] = [-1, 1]): Case[] => [{ shapes: [['T', 4]], range, f }];
/** Equal shapes, a row against a matrix, axes of length 1 on both sides. */
const two = (f: (a: Value, b: Value) => Value, range: readonly [number, number] = [-1, 1]): Case[] =>
  [[['T', 4], ['T', 4]], [['B', 'T', 4], [4]], [['T', 1], [1, 4]]].map((shapes) => ({ shapes, range, f }));

const swapped = (shape: Dim[]): Dim[] => [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]];

function products(): Case[] {
  const pairs: [a: Dim[], b: Dim[]][] = [[['T', 5], [5, 2]], [['B', 'T', 5], [5, 2]], [['B', 1, 'T', 5], [3, 5, 2]], [['B', 'N', 5], ['B', 5, 'T']], [['T', 5], ['B', 5, 2]]];
  return pairs.flatMap(([a, b]) =>
    [false, true].flatMap((transA) =>
      [false, true].map((transB) => ({
        shapes: [transA ? swapped(a) : a, transB ? swapped(b) : b],
        f: (x: Value, y: Value) => matmul(x, y, { transA, transB, alpha: transA ? 0.5 : 1 }),
      }))));
}

const picks = { shape: ['B', 3], tensor: ints([2, 3], [4, 0, 4, 1, 2, 0]) }; // with repeats
const each = { shape: ['T', 2], tensor: ints([3, 2], [4, 0, 4, 4, 2, 1]) };
/** Of 3 positions; the second half repeats the first. */
const angles = { shape: ['T', 4], tensor: floats([3, 4], (i) => 0.3 * (i >> 2) + (i % 2)) };

export const cases: Record<string, Case[]> = {
  Add: two((a, b) => a.add(b)),
  Sub: two((a, b) => a.sub(b)),
  Mul: two((a, b) => a.mul(b)),
  Div: two((a, b) => a.div(b), [0.5, 2]),
  Pow: two((a, b) => a.pow(b), [0.5, 2]),
  Min: two((a, b) => minimum(a, b.mul(2).add(0.123))),
  Max: two((a, b) => maximum(a, b.mul(2).add(0.123))),
  Neg: one((x) => x.neg()),
  Exp: one((x) => x.exp()),
  Log: one((x) => x.log(), [0.5, 2]),
  Sqrt: one((x) => x.sqrt(), [0.5, 2]),
  Reciprocal: one((x) => x.reciprocal(), [0.5, 2]),
  Abs: one((x) => x.abs(), [0.2, 1]).concat(one((x) => x.abs(), [-1, -0.2])),
  Sin: one((x) => x.sin(), [-3, 3]),
  Cos: one((x) => x.cos(), [-3, 3]),
  Tanh: one((x) => x.tanh(), [-2, 2]),
  Sigmoid: one((x) => x.sigmoid(), [-2, 2]),
  Erf: one((x) => x.erf(), [-2, 2]),
  Where: two((a, b) => where(less(a, a.sub(a)), a, b)),
  Cast: one((x) => x.cast('float16').cast('float32').mul(x)),
  MatMul: products(),
  Reshape: [
    { shapes: [['B', 'T', 4]], f: (x) => x.reshape(['B*T', 4]) },
    { shapes: [['B*T', 4]], f: (x) => x.reshape(['T', 2, 'B', 2]) },
    { shapes: [['B', 'T'], ['T']], f: (x, y) => x.reshape(['T', -1]).mul(y.reshape([-1, 1])) },
  ],
  Transpose: [{ shapes: [['B', 'T', 4]], f: (x) => x.transpose([1, 2, 0]) }],
  Expand: [{ shapes: [['T', 1]], f: (x) => x.expand(['B', 'T', 4]) }],
  Slice: [
    { shapes: [['T', 5]], f: (x) => x.slice(1, 1, -1) },
    { shapes: [['B+T', 2]], f: (x) => x.slice(0, 'B') },
  ],
  Pad: [{ shapes: [['T', 2]], f: (x) => apply('Pad', [x], { axis: 0, before: 1, after: 'B' }) }],
  Concat: [{ shapes: [['T', 2], ['T', 3], ['T', 'B']], f: (...xs) => concat(xs, 1) }],
  Split: [
    { shapes: [['T', 6]], f: (x) => { const [a, b, c] = split(x, 3, 1); return a.mul(b).add(c); } },
    { shapes: [['B+T', 2]], f: (x) => split(x, ['B', 'T'], 0)[1] }, // one part unused
  ],
  ReduceSum: [{ shapes: [['B', 'T', 4]], f: (x) => x.sum([0, 2]) }, { shapes: [['B', 'T', 4]], f: (x) => x.sum(-1, { keepdims: true }) }],
  ReduceMean: [{ shapes: [['B', 'T', 4]], f: (x) => x.mean([0, 1]) }, { shapes: [['B', 4]], f: (x) => x.mean() }],
  ReduceMax: [{ shapes: [['B', 'T', 4]], f: (x) => x.max(1) }],
  ReduceMin: [{ shapes: [['B', 'T', 4]], f: (x) => x.min(1) }],
  Gather: [
    { shapes: [[5, 'N']], fixed: [picks], f: (x, i) => gather(x, i) },
    { shapes: [['T', 5, 2]], fixed: [picks], f: (x, i) => gather(x, i, 1) },
  ],
  GatherElements: [{ shapes: [['T', 5]], fixed: [each], f: (x, i) => gatherElements(x, i, 1) }],
  ScatterElements: [
    { shapes: [['B', 3, 2]], fixed: [picks], f: (x, i) => scatterAdd([5, 2], i, x) },
    { shapes: [['N', 'B', 3, 2]], fixed: [picks], f: (x, i) => scatterAdd(['N', 5, 2], i, x, 1) },
    { shapes: [['T', 5], ['T', 2]], fixed: [each], f: (x, u, i) => apply('ScatterElements', [x, i, u], { axis: 1 }) },
  ],
  Softmax: [{ shapes: [['T', 5]], f: (x) => softmax(x.mul(2)) }, { shapes: [['T', 5, 'B']], f: (x) => softmax(x, 1) }],
  LogSoftmax: [{ shapes: [['T', 5]], f: (x) => logSoftmax(x.mul(2)) }, { shapes: [['T', 5, 'B']], f: (x) => logSoftmax(x, 1) }],
  LayerNormalization: [
    { shapes: [['B', 'T', 6], [6], [6]], f: (x, w, b) => layerNormalization(x, w, b, 1e-5) },
    { shapes: [['T', 6], [6], [6]], range: [2, 4], f: (x, w, b) => layerNormalization(x, w, b, 1e-2) },
  ],
  SimplifiedLayerNormalization: [
    { shapes: [['B', 'T', 6], [6]], f: (x, w) => rmsNormalization(x, w, 1e-5) },
    { shapes: [['T', 6], [6]], range: [2, 4], f: (x, w) => rmsNormalization(x, w, 1e-2) },
  ],
  MultiHeadAttention: [{ shapes: [['B', 'T', 4], ['B', 'N', 4], ['B', 'N', 4]], f: (q, k, v) => multiHeadAttention(q, k, v, 2) }],
  RotaryEmbedding: [{ shapes: [['B', 'T', 12]], fixed: [angles], f: (x, angle) => rotaryEmbedding(x, angle.cos(), angle.sin()) }],
  Gelu: one(gelu, [-3, 3]),
  QuickGelu: [...one(quickGelu, [-3, 3]), ...one(silu, [-3, 3])],
};
