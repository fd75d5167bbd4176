/** Products of whole numbers, uint8 · int8. On x64 processors without VNNI the engine's kernels for them add pairs of products in 16 bits and cut off what does not fit. A session option
 * has it take others, which are slower, and slower also where nothing would be cut off; so it is set only where a trial shows the need. */
import { graph, initializer, input, matmulInteger, type Graph } from '../graph/index.ts';
import type { Program } from './program.ts';

/** Whether a graph has such products. */
export const multipliesWhole = (g: Graph): boolean => g.nodes.some(({ op }) => op === 'MatMulInteger' || op === 'MatMulIntegerToFloat');

const [M, K, N] = [4, 64, 16];

/** Whether a product of the largest numbers comes out whole. @param compile with the kernels that the engine takes by itself */
export async function sumsWhole(compile: (g: Graph) => Promise<Program>): Promise<boolean> {
  const trial = graph({ y: matmulInteger(input('x', 'uint8', [M, K]), initializer('w', 'int8', [K, N], { data: new Int8Array(K * N).fill(127) })) });
  await using program = await compile(trial);
  const { y } = await program.run({ x: { dtype: 'uint8', dims: [M, K], data: new Uint8Array(M * K).fill(255) } });
  return [...y.data].every((sum) => Number(sum) === K * 255 * 127);
}
