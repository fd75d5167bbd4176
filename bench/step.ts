/** How long does a training step take against three of its own forward passes, and does the run take the memory that its plan says? Stage 1 (temporal attention and norm3), one clip a step, float32.
 * node bench/step.ts --dir DIR [--shapes tiny,vision-2b] [--steps 5] [--threads N]   (vision-2b: 3 GB of disk; Linux) */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { planTraining } from '../src/train/index.ts';
import { peakOf } from './peak.ts';
import { inProcess } from './shape/process.ts';
import type { StepTask, StepTimes } from './step/measure.ts';
import { bestAndMedian, both } from './step/numbers.ts';
import { stepRecipe, stepShapes, wantedShapes, type StepShape } from './step/shapes.ts';

const { values } = parseArgs({ options: { dir: { type: 'string' }, shapes: { type: 'string', default: stepShapes.join() }, steps: { type: 'string', default: '5' }, threads: { type: 'string', default: String(availableParallelism()) } } });
if (values.dir === undefined) throw new Error('give --dir, a folder for the checkpoints');
const folder = resolve(values.dir), threads = Number(values.threads), steps = Number(values.steps);
await mkdir(folder, { recursive: true });

console.log(`${cpus()[0].model.trim()}, ${threads} threads, load ${loadavg()[0].toFixed(1)}, Node ${process.version}\n`);
console.log('| best / median of so many | forward s | step s | step by 3 forward passes | GFLOP/s, forward and step | peak MB | planned |\n|---|---|---|---|---|---|---|');
for (const shape of wantedShapes(values.shapes)) {
  const task: StepTask = { folder, shape, threads, steps };
  const { gflop, ...times } = await inProcess<StepTimes, StepTask>('../step/measure.ts', task, new AbortController().signal);
  const forward = bestAndMedian(times.forward), step = bestAndMedian(times.step);
  const rates = [gflop.forward / forward[0], gflop.step / step[0]].map((rate) => rate.toFixed(0));
  const { peak, planned } = await memory(shape);
  console.log(`| ${[`${shape}, ${steps}`, both(forward, 3), both(step, 3), both(step.map((s, i) => s / (3 * forward[i])), 2), rates.join(', '), (peak / 1e6).toFixed(0), `${(planned / 1e6).toFixed(0)} (${planned > peak ? '+' : ''}${(100 * (planned / peak - 1)).toFixed(0)} %)`].join(' | ')} |`);
}

/** What `stave train` takes, and what its plan says from the shapes. */
async function memory(shape: StepShape): Promise<{ peak: number; planned: number }> {
  const out = join(folder, `${shape}-run`);
  await rm(out, { recursive: true, force: true });
  const { recipe, json } = await stepRecipe(folder, shape, out, { threads, steps });
  const [plan] = await planTraining([recipe], { trial: false });
  const file = join(folder, `${shape}.json`);
  await writeFile(file, JSON.stringify(json));
  return { peak: await peakOf(['train', file]), planned: plan.memory.total };
}
