/** Ops that move elements without computing. */
import { concat, filled, split } from '../functions.ts';
import { dim, type Dim } from '../dims.ts';
import { toTyped } from '../tensor.ts';
import { apply, type Type, type Value } from '../value.ts';
import { broadcastShapes, product, refuse, sameDType, type Lowering, type Rules } from './rule.ts';

function concatType(inputs: readonly Type[], axis: number): Type[] {
  const [{ shape }] = inputs;
  for (const x of inputs) {
    if (x.shape.length !== shape.length || x.shape.some((d, i) => i !== axis && d !== shape[i])) throw refuse('Concat', inputs, `shapes differ off axis ${axis}`);
  }
  return [{ dtype: sameDType('Concat', inputs), shape: shape.with(axis, dim.add(...inputs.map((x) => x.shape[axis]))) }];
}

/**
 * The target of an ONNX Reshape. A target with one symbolic dim among positive numbers needs no computation: that dim is −1.
 * One that keeps its symbolic dims where they are says 0 (copy) for them. Anything else is computed from the inputs' shapes,
 * and a 0 then means an empty axis.
 */
function reshapeTarget(from: readonly Dim[], to: readonly Dim[], lower: Lowering): { target: string; allowzero: number } {
  const symbolic = to.filter((d) => typeof d === 'string').length;
  const as = (mark: number): { target: string; allowzero: number } => ({ target: lower.constant(to.map((d) => (typeof d === 'number' ? d : mark)), 'int64', [to.length]), allowzero: 0 });
  if (symbolic > 0 && !to.includes(0)) {
    if (to.every((d, i) => typeof d === 'number' || d === from[i])) return as(0);
    if (symbolic === 1) return as(-1);
  }
  return { target: lower.shape(to), allowzero: 1 };
}

/** The pieces of a split, with zeros for those that were not used. */
const pieces = (outputs: readonly Value[], dys: readonly (Value | undefined)[]): Value[] => outputs.map((y, i) => dys[i] ?? filled(y.shape, 0, y.dtype));

const vector = (lower: Lowering, ...dims: Dim[]): string => lower.shape(dims);

export const shapes = {
  Reshape: {
    shape: (inputs, { shape }) => {
      if (!dim.equal(product(inputs[0].shape), product(shape))) throw refuse('Reshape', inputs, `[${shape.join(', ')}] has another number of elements`);
      return [{ dtype: inputs[0].dtype, shape }];
    },
    grad: (dy, [x]) => [dy.reshape(x.shape)],
    onnx: ({ shape }, { inputs: [x], types: [{ shape: from }] }, lower) => {
      const { target, allowzero } = reshapeTarget(from, shape, lower);
      return { inputs: [x, target], attributes: { allowzero: { int: allowzero } } };
    },
  },
  Transpose: {
    shape: ([x], { perm }) => {
      if (perm.length !== x.shape.length || new Set(perm).size !== perm.length) throw refuse('Transpose', [x], `[${perm.join(', ')}] is no permutation of its axes`);
      return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]) }];
    },
    grad: (dy, _x, _y, { perm }) => [dy.transpose(perm.map((_, i) => perm.indexOf(i)))],
    onnx: ({ perm }) => ({ attributes: { perm: { ints: perm } } }),
  },
  Expand: {
    shape: (inputs, { shape }) => {
      const { dtype } = inputs[0];
      const result = broadcastShapes('Expand', [inputs[0], { dtype, shape }]);
      if (result.length !== shape.length || result.some((d, i) => d !== shape[i])) throw refuse('Expand', inputs, `does not expand to [${shape.join(', ')}]`);
      return [{ dtype, shape }];
    },
    grad: (dy) => [dy],
    onnx: ({ shape }, { inputs: [x] }, lower) => ({ inputs: [x, lower.shape(shape)] }),
  },
  Slice: {
    shape: ([x], { axis, start, end }) => [{ dtype: x.dtype, shape: x.shape.with(axis, sliceLength(x, axis, start, end)) }],
    grad: (dy, [x], _y, { axis, start, end }) => [apply('Pad', [dy], { axis, before: start, after: dim.sub(x.shape[axis], end) })],
    onnx: ({ axis, start, end }, { inputs: [x] }, lower) => ({ inputs: [x, vector(lower, start), vector(lower, end), vector(lower, axis)] }),
  },
  Pad: {
    shape: ([x], { axis, before, after }) => [{ dtype: x.dtype, shape: x.shape.with(axis, dim.add(before, x.shape[axis], after)) }],
    grad: (dy, [x], _y, { axis, before }) => [dy.slice(axis, before, dim.add(before, x.shape[axis]))],
    onnx: ({ axis, before, after }, { inputs: [x] }, lower) => ({ inputs: [x, vector(lower, before, after), '', vector(lower, axis)] }),
  },
  Concat: {
    shape: (inputs, { axis }) => concatType(inputs, axis),
    grad: (dy, inputs, _y, { axis }) => [...split(dy, inputs.map((x) => x.shape[axis]), axis)],
    onnx: ({ axis }) => ({ attributes: { axis: { int: axis } } }),
  },
  Split: {
    shape: ([x], { axis, split }) => {
      if (!dim.equal(dim.add(...split), x.shape[axis])) throw refuse('Split', [x], `parts of ${split.join(' + ')} along axis ${axis}`);
      return split.map((length) => ({ dtype: x.dtype, shape: x.shape.with(axis, length) }));
    },
    grad: (_dy, _x, _y, { axis }, { outputs, dys }) => [concat(pieces(outputs, dys), axis)],
    onnx: ({ axis, split }, { inputs: [x] }, lower) => ({ inputs: [x, lower.shape(split)], attributes: { axis: { int: axis } } }),
  },
  ConstantOfShape: {
    shape: (_, { shape, dtype }) => [{ dtype, shape }],
    grad: 'none',
    onnx: ({ shape, value, dtype }, _, lower) => ({ inputs: [lower.shape(shape)], attributes: { value: { tensor: { dtype, dims: [1], data: toTyped([value], dtype) } } } }),
  },
  Dim: {
    shape: () => [{ dtype: 'int64', shape: [] }],
    grad: 'none',
    onnx: ({ dim: d }, _, lower) => ({ op: 'Reshape', inputs: [lower.shape([d]), lower.constant([], 'int64', [0])] }),
  },
} satisfies Partial<Rules>;

function sliceLength(x: Type, axis: number, start: Dim, end: Dim): Dim {
  const length = dim.sub(end, start);
  const all = x.shape[axis];
  const inside = [start, length, dim.sub(all, end)].every((d) => typeof d === 'string' || d >= 0);
  if (!inside) throw refuse('Slice', [x], `positions ${start} to ${end} of axis ${axis}`);
  return length;
}
