/** Times forward passes and steps of a run of stepRecipe, by turns, in a process of its own: node bench/step/measure.ts '{"folder", "shape", "threads", "steps"}' prints one line of JSON. */
import { join } from 'node:path';
import { Runtime } from '../../src/runtime/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import { matmulFlops } from '../../src/train/flops.ts';
import { startModel } from '../../src/train/model.ts';
import { runData } from '../../src/train/run-data.ts';
import { freshState, graphsBy, startData, startEngine } from '../../src/train/setup.ts';
import { openTokenizer } from '../../src/train/tokenizer.ts';
import { saveSafetensors } from '../../src/weights/index.ts';
import { stepRecipe, type StepShape } from './shapes.ts';

export type StepTask = { folder: string; shape: StepShape; threads: number; steps: number };
/** Seconds of each; the loss before each step, that of the first, which is not timed, included. peak: resident bytes of the process at its fullest. */
export type StepTimes = { forward: number[]; step: number[]; loss: number[]; peak: number; /** Operations of matrix products, billions. */ gflop: { forward: number; step: number } };

const { folder, shape, threads, steps } = JSON.parse(process.argv[2]) as StepTask;
const { recipe } = await stepRecipe(folder, shape, join(folder, 'out'), { threads, steps: steps + 1 });
const model = await startModel(recipe, await openTokenizer(recipe));
const source = runData(recipe, model, undefined);
const data = startData(source);
const batch = (await data.next({ set: 'train', index: 0 }, 1)) as Batch;
await data.close();
await writeSample(join(folder, `${shape}.sample.safetensors`), batch);

const graphs = graphsBy(recipe, model, source);
await using runtime = await Runtime.create({ threads });
const engine = await startEngine(runtime, recipe, source, graphs, freshState(model));
const { step: stepGraph, evaluate } = graphs(source.layout);
const times: StepTimes = { forward: [], step: [], loss: [], peak: 0, gflop: { forward: matmulFlops(evaluate, batch.sizes) / 1e9, step: matmulFlops(stepGraph, batch.sizes) / 1e9 } };
for (let i = 0; i <= steps; i++) { // the first of each takes memory and is not counted
  const forward = await seconds(() => engine.evaluate(batch));
  let loss = NaN;
  const step = await seconds(async () => ({ loss } = await engine.update([batch], recipe.optimizer.lr)));
  times.loss.push(loss);
  if (i === 0) continue;
  times.forward.push(forward);
  times.step.push(step);
}
times.peak = process.resourceUsage().maxRSS * 1024;
await model.close();
console.log(JSON.stringify(times));

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The clip as another program takes it: ids, the label of each position (−100: none), bytes of the patches, the grid. */
async function writeSample(file: string, { feeds, sizes, pictures: [{ grid }] }: Batch): Promise<void> {
  const { tokens: length } = sizes;
  const ids = (feeds.input_ids.data as BigInt64Array).slice(0, length); // without padding
  const labels = new BigInt64Array(length).fill(-100n);
  (feeds.logits_index.data as BigInt64Array).forEach((row, i) => (labels[Number(row) + 1] = (feeds.labels.data as BigInt64Array)[i]));
  const patches = feeds.pixel_values.data as Uint8Array;
  const [T, h, w] = grid;
  await saveSafetensors(file, [
    { name: 'input_ids', dtype: 'I64', shape: [1, length], data: ids },
    { name: 'labels', dtype: 'I64', shape: [1, length], data: labels },
    { name: 'pixels', dtype: 'U8', shape: [T * h * w, patches.length / (T * h * w)], data: Uint8Array.from(patches) },
    { name: 'grid', dtype: 'I64', shape: [1, 3], data: BigInt64Array.from(grid, BigInt) },
  ]);
}
