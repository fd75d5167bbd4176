/** A device tried out in a process of its own, for a broken driver takes its process down. One argument, a Task; the last line that it prints is a Tried. */
import { StaveError } from '../../errors.ts';
import { graph, initializer, input, matmul } from '../../graph/index.ts';
import { Runtime, type Device } from '../../runtime/index.ts';
import { differences, selfTest, triedSorts, type Sort } from './self-test.ts';

export type Task = { device: Device; sort: Sort; threads?: number };

/** `off`: of each of triedSorts() the largest difference, as a part of the largest number; null: one is no number. `seconds`: of a chain of products on both. */
export type Tried = { there: false; why: string } | { there: true; why: string } | { there: true; off: (number | null)[]; seconds: { device: number; cpu: number } };

async function testDevice({ device, sort, threads }: Task): Promise<Tried> {
  await using there = await Runtime.create({ threads, device });
  const x = input('x', 'float32', [1, 2]);
  try {
    await (await there.compile(graph({ y: x.add(x) }))).release();
  } catch (error) {
    return { there: false, why: reason(error) };
  }
  await using processor = await Runtime.create({ threads });
  try {
    const off: (number | null)[] = [];
    for (const each of triedSorts(sort)) {
      const worst = differences(await selfTest(there, each), await selfTest(processor, each));
      off.push(Number.isNaN(worst) ? null : worst);
    }
    return { there: true, off, seconds: { device: await productSeconds(there), cpu: await productSeconds(processor) } };
  } catch (error) {
    return { there: true, why: reason(error) };
  }
}

/** Rows and columns, and products behind each other: about what a few blocks of a real encoder do with a frame. */
const [ROWS, COLUMNS, CHAIN] = [352, 768, 4];

/** The best of a few runs: of many where they are short. */
async function productSeconds(runtime: Runtime): Promise<number> {
  const w = initializer('w', 'float32', [COLUMNS, COLUMNS], { data: new Float32Array(COLUMNS ** 2).fill(1 / COLUMNS) });
  let y = input('x', 'float32', [ROWS, COLUMNS]);
  for (let i = 0; i < CHAIN; i++) y = matmul(y, w);
  await using program = await runtime.compile(graph({ y: y.slice(0, 0, 1) }));
  const run = async (): Promise<number> => {
    const start = performance.now();
    await program.run({ x: { dtype: 'float32', dims: [ROWS, COLUMNS], data: new Float32Array(ROWS * COLUMNS).fill(1) } });
    return (performance.now() - start) / 1000;
  };
  await run(); // compiles
  let best = Infinity;
  for (let spent = 0, runs = 0; runs < 5 && spent < 0.3; runs++) {
    const seconds = await run();
    spent += seconds;
    best = Math.min(best, seconds);
  }
  return best;
}

/** What the engine said, without its own source. */
function reason(error: unknown): string {
  if (!(error instanceof StaveError)) throw error;
  return (error.why ?? error.what).replaceAll(/^.* was false\. /g, '');
}

process.stdout.write(`\n${JSON.stringify(await testDevice(JSON.parse(process.argv[2]) as Task))}`);
