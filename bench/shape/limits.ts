/** What this machine can do at best just now: the rates that the stages of an answer are held against. One line of JSON, from a process of its own. */
import { graph, initializer, input, matmul, matmulInteger, type Graph, type Tensor, type Value } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { shapeConfig, type ShapeName } from './shapes.ts';
import { decodeWeights } from './work.ts';

/** Products [M, K] · [K, N], and bytes to read through. */
export type Sizes = { threads: number; M: number; K: number; N: number; bytes: number };

/** Operations a second; bytes a second. The best of several runs. */
export type Limits = { fp32: number; /** Of whole numbers, u8 · s8. */ int8: number; read: number; /** Its version. */ engine: string };

const RUNS = 6;

/** The products of the vision encoder's MLP over a clip of 16 frames, and as many bytes as decoding a token reads, 800 MB at most. */
export function limitSizes(shape: ShapeName, threads: number): Sizes {
  const config = shapeConfig(shape, false);
  const { embed_dim, intermediate_size } = config.vision_config;
  return { threads, M: 8 * 16 * 22, K: embed_dim, N: intermediate_size, bytes: Math.min(8e8, 4 * decodeWeights(config)) };
}

export async function limits({ threads, M, K, N, bytes }: Sizes): Promise<Limits> {
  await using runtime = await Runtime.create({ threads, spin: true });
  const best = async (g: Graph, feeds: Record<string, Tensor>): Promise<number> => {
    await using program = await runtime.compile(g);
    let least = Infinity;
    for (let i = 0; i <= RUNS; i++) {
      const start = performance.now();
      await program.run(feeds);
      if (i > 0) least = Math.min(least, (performance.now() - start) / 1000); // the first takes memory
    }
    return least;
  };
  const columns = 4096, rows = Math.ceil(bytes / 4 / columns);
  const x = halves([M, K]), w = halves([K, N]), long = halves([rows, columns]);
  return {
    fp32: (2 * M * K * N) / (await best(corner(matmul(input('x', 'float32', [M, K]), initializer('w', 'float32', [K, N], { data: w.data }))), { x })),
    int8: (2 * M * K * N) / (await best(corner(matmulInteger(input('x', 'uint8', [M, K]), initializer('w', 'int8', [K, N], { data: new Int8Array(K * N).fill(3) }))), { x: { dtype: 'uint8', dims: [M, K], data: new Uint8Array(new SharedArrayBuffer(M * K)).fill(5) } })),
    engine: (await runtime.about()).version,
    read: (4 * rows * columns) / (await best(graph({ y: input('x', 'float32', [rows, columns]).sum(-1) }), { x: long })),
  };
}

/** Computed in full; one number of it is copied out. y: [M, N] */
function corner(y: Value): Graph {
  return graph({ y: y.slice(0, 0, 1).slice(1, 0, 1) });
}

/** Halves in memory that the engine reads where it is. */
function halves(dims: number[]): Tensor {
  const data = new Float32Array(new SharedArrayBuffer(4 * dims.reduce((a, b) => a * b, 1))).fill(0.5);
  return { dtype: 'float32', dims, data };
}

if (import.meta.main) console.log(JSON.stringify(await limits(JSON.parse(process.argv[2]) as Sizes)));
