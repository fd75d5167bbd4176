/** The training step of bench/step.ts in stave and in PyTorch, by turns on one machine: only what ran within the same minutes compares. See README.md beside this file.
 * node reference/bench/step.ts --dir DIR --python PYTHON --sta-model MODEL_PY [--shapes tiny,vision-2b] [--rounds 3] [--steps 5] [--threads N] */
import { mkdir } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inProcess } from '../../bench/shape/process.ts';
import type { StepTask, StepTimes } from '../../bench/step/measure.ts';
import { bestAndMedian, both } from '../../bench/step/numbers.ts';
import { stepShapes, wantedShapes, type StepShape } from '../../bench/step/shapes.ts';
import { keepMemory, runPeer } from './peer.ts';

const { values } = parseArgs({ options: { dir: { type: 'string' }, python: { type: 'string' }, 'sta-model': { type: 'string' }, shapes: { type: 'string', default: stepShapes.join() }, rounds: { type: 'string', default: '3' }, steps: { type: 'string', default: '5' }, threads: { type: 'string', default: String(availableParallelism()) } } });
const { dir, python, 'sta-model': staModel } = values;
if (dir === undefined || python === undefined || staModel === undefined) throw new Error('give --dir, a folder for the checkpoints, --python and --sta-model');
const folder = resolve(dir), threads = Number(values.threads), steps = Number(values.steps);
await mkdir(folder, { recursive: true });

type Times = Omit<StepTimes, 'gflop'>;
const ours = (shape: StepShape) => inProcess<StepTimes, StepTask>('../step/measure.ts', { folder, shape, threads, steps }, new AbortController().signal);
const theirs = (shape: StepShape) =>
  runPeer<Times>(python, [fileURLToPath(new URL('step_peer.py', import.meta.url)), join(folder, shape), join(folder, `${shape}.sample.safetensors`), '--sta', staModel, '--steps', values.steps, '--threads', values.threads], keepMemory);

console.log(`${cpus()[0].model.trim()}, ${threads} threads, load ${loadavg()[0].toFixed(1)}, Node ${process.version}; ${values.rounds} rounds of ${steps}\n`);
console.log('| best / median | forward s | step s | step by 3 forward passes | peak MB | stave is so many times as fast, step |\n|---|---|---|---|---|---|');
for (const shape of wantedShapes(values.shapes)) {
  const rounds: { stave: Times; torch: Times }[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    console.error(`${shape}, round ${round}`);
    rounds.push({ stave: await ours(shape), torch: await theirs(shape) });
  }
  const all = (system: 'stave' | 'torch', stage: 'forward' | 'step') => rounds.flatMap((round) => round[system][stage]);
  const own = bestAndMedian(all('stave', 'step'));
  const compared = bestAndMedian(all('torch', 'step')).map((seconds, i) => seconds / own[i]);
  for (const [system, name] of [['stave', 'stave'], ['torch', 'PyTorch']] as const) {
    const [forward, step] = (['forward', 'step'] as const).map((stage) => bestAndMedian(all(system, stage)));
    console.log(`| ${[`${shape}, ${name}`, both(forward, 3), both(step, 3), both(step.map((s, i) => s / (3 * forward[i])), 2), (Math.max(...rounds.map((round) => round[system].peak)) / 1e6).toFixed(0), system === 'stave' ? both(compared, 2) : ''].join(' | ')} |`);
  }
  const [{ stave, torch }] = rounds;
  const apart = Math.max(...stave.loss.map((loss, i) => Math.abs(loss - torch.loss[i]) / torch.loss[i]));
  console.log(`\n${shape}: losses before the steps ${stave.loss.map((loss) => loss.toFixed(4)).join(', ')}; PyTorch's are within ${apart.toExponential(1)} of them\n`);
}
