/** Picking by index and the sums that are its transpose. */
import { filled, gatherElements, scatterAdd } from '../functions.ts';
import { apply, type Type } from '../value.ts';
import { refuse, sameDType, type Rules } from './rule.ts';

function indexed(op: string, inputs: readonly Type[], indices: Type): void {
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32') throw refuse(op, inputs, 'indices must be int64 or int32');
}

/** Off the axis, the indices must have the data's own shape (ONNX would allow less). */
function alongAxis(op: string, inputs: readonly Type[], axis: number): void {
  const [data, indices] = inputs;
  indexed(op, inputs, indices);
  if (data.shape.length !== indices.shape.length || data.shape.some((d, i) => i !== axis && d !== indices.shape[i])) throw refuse(op, inputs, `shapes differ off axis ${axis}`);
}

export const indexing = {
  Gather: {
    shape: (inputs, { axis }) => {
      const [data, indices] = inputs;
      indexed('Gather', inputs, indices);
      return [{ dtype: data.dtype, shape: data.shape.toSpliced(axis, 1, ...indices.shape) }];
    },
    grad: (dy, [data, indices], _y, { axis }) => [scatterAdd(data.shape, indices, dy, axis), null],
    onnx: ({ axis }) => ({ attributes: { axis: { int: axis } } }),
  },
  GatherElements: {
    shape: (inputs, { axis }) => {
      alongAxis('GatherElements', inputs, axis);
      return [{ dtype: inputs[0].dtype, shape: inputs[1].shape }];
    },
    grad: (dy, [data, indices], _y, { axis }) => [apply('ScatterElements', [filled(data.shape, 0, dy.dtype), indices, dy], { axis }), null],
    onnx: ({ axis }) => ({ attributes: { axis: { int: axis } } }),
  },
  ScatterElements: {
    shape: (inputs, { axis }) => {
      alongAxis('ScatterElements', inputs, axis);
      if (inputs[2].shape.some((d, i) => d !== inputs[1].shape[i])) throw refuse('ScatterElements', inputs, 'updates and indices differ in shape');
      return [{ dtype: sameDType('ScatterElements', [inputs[0], inputs[2]]), shape: inputs[0].shape }];
    },
    grad: (dy, [, indices], _y, { axis }) => [dy, null, gatherElements(dy, indices, axis)],
    onnx: ({ axis }) => ({ attributes: { axis: { int: axis }, reduction: { string: 'add' } } }),
  },
  OneHot: {
    shape: (inputs, { depth }) => {
      indexed('OneHot', inputs, inputs[0]);
      return [{ dtype: 'float32', shape: [...inputs[0].shape, depth] }];
    },
    grad: 'none',
    onnx: ({ depth }, { inputs: [indices] }, lower) => ({
      inputs: [indices, lower.constant([depth], 'int64', [1]), lower.constant([0, 1], 'float32', [2])],
      attributes: { axis: { int: -1 } },
    }),
  },
} satisfies Partial<Rules>;
