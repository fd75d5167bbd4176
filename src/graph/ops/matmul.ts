/** Matrix products. Their gradients are products with other transpose flags: nothing is transposed in memory. */
import { matmul } from '../functions.ts';
import type { Type, Value } from '../value.ts';
import type { Attrs } from './attrs.ts';
import { broadcastShapes, refuse, sameDType, type Rules } from './rule.ts';

type Flags = Attrs['MatMul'];

function shape(inputs: readonly Type[], { transA, transB }: Flags): Type[] {
  const [a, b] = inputs;
  const dtype = sameDType('MatMul', inputs);
  if (a.shape.length < 2 || b.shape.length < 2) throw refuse('MatMul', inputs, 'both need two axes or more: reshape a vector to a row or a column');
  const [m, k] = transA ? a.shape.slice(-2).toReversed() : a.shape.slice(-2);
  const [l, n] = transB ? b.shape.slice(-2).toReversed() : b.shape.slice(-2);
  if (k !== l) throw refuse('MatMul', inputs, `inner dimensions ${k} and ${l} differ (transA ${transA}, transB ${transB})`);
  const batch = broadcastShapes('MatMul', [a, b].map((x) => ({ dtype, shape: x.shape.slice(0, -2) })));
  return [{ dtype, shape: [...batch, m, n] }];
}

/** [..., n] → [rows, n] */
const rows = (x: Value): Value => x.reshape([-1, x.shape[x.rank - 1]]);

function grad(dy: Value, [a, b]: readonly Value[], _y: Value, { transA, transB, alpha }: Flags): Value[] {
  const da = transA ? matmul(b, dy, { transA: transB, transB: true, alpha }) : matmul(dy, b, { transB: !transB, alpha });
  // One weight for a whole batch: a single product over all rows instead of one product per batch entry and a sum of them.
  const [x, g] = b.rank === 2 && !transA ? [rows(a), rows(dy)] : [a, dy];
  const db = transB ? matmul(g, x, { transA: true, transB: transA, alpha }) : matmul(x, g, { transA: !transA, alpha });
  return [da, db];
}

export const products = {
  MatMul: {
    shape,
    grad,
    onnx: ({ transA, transB, alpha }) =>
      transA || transB || alpha !== 1
        ? { op: 'FusedMatMul', domain: 'com.microsoft', attributes: { transA: { int: Number(transA) }, transB: { int: Number(transB) }, alpha: { float: alpha } } }
        : {},
  },
  MatMulInteger: {
    shape: (inputs) => {
      const [a, b] = inputs;
      if (a.dtype !== 'uint8' || b.dtype !== 'int8') throw refuse('MatMulInteger', inputs, 'needs uint8 and int8: the kernels of this pair are the fastest');
      if (a.shape.length < 2 || b.shape.length !== 2 || a.shape.at(-1) !== b.shape[0]) throw refuse('MatMulInteger', inputs, 'shapes must be [.., K] and [K, N]');
      return [{ dtype: 'int32', shape: [...a.shape.slice(0, -1), b.shape[1]] }];
    },
    grad: 'none',
  },
} satisfies Partial<Rules>;
