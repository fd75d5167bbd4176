/** Products with matrices of few bits, and rounding to few bits, for inference: no gradient flows through them. */
import type { Type } from '../value.ts';
import { refuse, type Attribute, type Rules } from './rule.ts';

const ints = (values: Record<string, number>): Record<string, Attribute> => Object.fromEntries(Object.entries(values).map(([name, int]) => [name, { int }]));

/** Scales and zero points of `out` rows of `blocks`. */
function checkBlocks(op: string, inputs: readonly Type[], [scales, zeros]: readonly Type[], { out, blocks, bits }: { out: number; blocks: number; bits: number }): void {
  const fits = scales.dtype === 'float32' && scales.shape.join() === [out, blocks].join() && zeros.dtype === 'uint8' && zeros.shape.join() === [out, Math.ceil((blocks * bits) / 8)].join();
  if (!fits) throw refuse(op, inputs, `${out} rows of ${blocks} blocks with ${bits} bits need scales float32[${out}, ${blocks}] and zero points uint8[${out}, ${Math.ceil((blocks * bits) / 8)}]`);
}

export const packed = {
  MatMulNBits: {
    shape: (inputs, { K, N, bits, block_size }) => {
      const [x, codes, ...others] = inputs;
      const blocks = Math.ceil(K / block_size);
      if (x.dtype !== 'float32' || x.shape.at(-1) !== K) throw refuse('MatMulNBits', inputs, `needs float32 with ${K} numbers in a row`);
      if (codes.dtype !== 'uint8' || codes.shape.join() !== [N, blocks, (block_size * bits) / 8].join()) throw refuse('MatMulNBits', inputs, `[${N}, ${K}] with ${bits} bits in blocks of ${block_size} needs codes uint8[${N}, ${blocks}, ${(block_size * bits) / 8}]`);
      checkBlocks('MatMulNBits', inputs, others, { out: N, blocks, bits });
      return [{ dtype: 'float32', shape: x.shape.toSpliced(-1, 1, N) }];
    },
    grad: 'none',
    onnx: (attrs) => ({ domain: 'com.microsoft', attributes: ints({ ...attrs, accuracy_level: 4 }) }),
  },
  MatMulIntegerToFloat: {
    shape: (inputs) => {
      const [a, b, scale] = inputs;
      if (a.dtype !== 'uint8' || b.dtype !== 'int8') throw refuse('MatMulIntegerToFloat', inputs, 'needs uint8 and int8: the kernels of this pair are the fastest');
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[1] !== b.shape[0]) throw refuse('MatMulIntegerToFloat', inputs, 'shapes must be [M, K] and [K, N]');
      if (scale.dtype !== 'float32' || scale.shape.join() !== String(b.shape[1])) throw refuse('MatMulIntegerToFloat', inputs, `needs scales float32[${b.shape[1]}]`);
      return [{ dtype: 'float32', shape: [a.shape[0], b.shape[1]] }];
    },
    grad: 'none',
    onnx: ({ zero_point }, { inputs: [a, b, scale] }, lower) => ({ domain: 'com.microsoft', inputs: [a, b, lower.constant([1], 'float32', []), scale, lower.constant([zero_point], 'uint8', [])] }),
  },
  QuantizeLinear: {
    shape: (inputs) => {
      const [x, scale] = inputs;
      if (x.dtype !== 'float32' || x.shape.length !== 2 || scale.dtype !== 'float32' || scale.shape.join() !== String(x.shape[0])) throw refuse('QuantizeLinear', inputs, 'needs float32[M, K] and a scale for each row, float32[M]');
      return [{ dtype: 'uint8', shape: x.shape }];
    },
    grad: 'none',
    onnx: ({ zero_point }, { inputs: [x, scale] }, lower) => ({ inputs: [x, scale, lower.node('Expand', [lower.constant([zero_point], 'uint8', [1]), lower.node('Shape', [scale])])], attributes: { axis: { int: 0 } } }),
  },
  GatherBlockQuantized: {
    shape: (inputs, { bits, block_size }) => {
      const [rows, indices, ...others] = inputs;
      const [out, width] = rows.shape.map(Number);
      const K = (width * 8) / bits;
      if (rows.dtype !== 'uint8' || K % block_size !== 0) throw refuse('GatherBlockQuantized', inputs, `rows must be whole blocks of ${block_size} with ${bits} bits`);
      if (indices.dtype !== 'int64' && indices.dtype !== 'int32') throw refuse('GatherBlockQuantized', inputs, 'indices must be int64 or int32');
      checkBlocks('GatherBlockQuantized', inputs, others, { out, blocks: K / block_size, bits });
      return [{ dtype: 'float32', shape: [...indices.shape, K] }];
    },
    grad: 'none',
    onnx: (attrs) => ({ domain: 'com.microsoft', attributes: ints({ ...attrs, gather_axis: 0, quantize_axis: 1 }) }),
  },
} satisfies Partial<Rules>;
