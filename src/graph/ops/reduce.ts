/** Reductions over axes. */
import { dimension, equal } from '../functions.ts';
import type { Dim } from '../dims.ts';
import type { Type, Value } from '../value.ts';
import type { Attrs } from './attrs.ts';
import { overDim, product, type Attribute, type Form, type Lowering, type Rules, type Wires } from './rule.ts';

type Reduce = Attrs['ReduceSum'];

const kept = (shape: readonly Dim[], axes: readonly number[]): Dim[] => shape.map((d, i) => (axes.includes(i) ? 1 : d));

function reduced({ dtype, shape }: Type, { axes, keepdims }: Reduce): Type[] {
  return [{ dtype, shape: keepdims ? kept(shape, axes) : shape.filter((_, i) => !axes.includes(i)) }];
}

/** dy with the reduced axes back in place, of length 1. */
const keep = (dy: Value, x: Value, axes: readonly number[]): Value => dy.reshape(kept(x.shape, axes));

const flag = (keepdims: boolean): Record<string, Attribute> => ({ keepdims: { int: Number(keepdims) } });

function onnx({ axes, keepdims }: Reduce, { inputs: [x] }: Wires, lower: Lowering): Form {
  return { inputs: [x, lower.constant(axes, 'int64', [axes.length])], attributes: { ...flag(keepdims), noop_with_empty_axes: { int: 1 } } };
}

/** Of the largest, or the smallest: equal ones share the gradient. */
function extreme(dy: Value, [x]: readonly Value[], y: Value, { axes }: Reduce): Value[] {
  const chosen = equal(x, keep(y, x, axes)).cast(x.dtype);
  return [chosen.mul(keep(dy, x, axes).div(chosen.sum(axes, { keepdims: true })))];
}

export const reductions = {
  ReduceSum: { shape: ([x], attrs) => reduced(x, attrs), grad: (dy, [x], _y, { axes }) => [keep(dy, x, axes).expand(x.shape)], onnx },
  ReduceMean: {
    shape: ([x], attrs) => reduced(x, attrs),
    grad: (dy, [x], _y, { axes }) => [overDim(keep(dy, x, axes), product(axes.map((axis) => x.shape[axis])), dimension).expand(x.shape)],
    onnx,
  },
  ReduceMax: { shape: ([x], attrs) => reduced(x, attrs), grad: extreme, onnx },
  ReduceMin: { shape: ([x], attrs) => reduced(x, attrs), grad: extreme, onnx },
  ArgMax: {
    shape: ([x], { axis, keepdims }) => [{ dtype: 'int64', shape: reduced(x, { axes: [axis], keepdims })[0].shape }],
    grad: 'none',
    onnx: ({ axis, keepdims }) => ({ attributes: { axis: { int: axis }, ...flag(keepdims) } }),
  },
} satisfies Partial<Rules>;
