/** Products with matrices of few bits, for inference: no gradient flows through them. */
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
