/** How fast are the checkpoints that people use, and what part of what this machine can do is that? Random weights of the true shapes are written (nothing is
 * downloaded), then every stage of an answer is measured in a process of its own, between two measurements of the machine's limits. docs/performance.md explains the rows. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { StaveError } from '../src/errors.ts';
import { freeSpace } from '../src/files/look.ts';
import { locate } from '../src/generate/index.ts';
import { readOptions, runBench, whole } from './command.ts';
import { checkpointBytes, writeShape } from './shape/checkpoint.ts';
import { limitSizes, type Limits, type Sizes } from './shape/limits.ts';
import type { Measured, Task } from './shape/measure.ts';
import { pairsText, type Pairs, type PairTask } from './shape/pairs.ts';
import { inProcess } from './shape/process.ts';
import { report, summary, type Case, type Report } from './shape/report.ts';
import { weightSettings } from './shape/settings.ts';
import { shapeConfig, shapeNames, type ShapeName } from './shape/shapes.ts';

const usage = `npm run bench -- --shape NAME [options]

  --shape NAME      ${shapeNames.join(', ')}
  --sta             with temporal attention in every vision block
  --base            with --sta: the same shape without it too, by turns
  --pairs N         instead of all else: the vision encoder with temporal attention and without, by turns in one process,
                    N times each, and what temporal attention adds
  --weights LIST    f32, f16, int8, w8a8, int4; several, by turns: f32,w8a8,vision:w8a8+language:int4 (default: f32)
  --frames LIST     frames of a clip, 224×308 pixels each; several: 16,64,256 (default: 16)
  --tokens N        tokens of an answer (default: 33: one out of prefill, 32 decoded)
  --clips N         clips that each process is asked about (default: 3)
  --rounds N        processes for each case, by turns (default: 1)
  --threads N       of the engine (default: as many as there are cores)
  --dir DIR         where the checkpoints are kept for another time (default: a temporary folder)
  --json            the whole result as JSON`;

const options = {
  shape: { type: 'string' }, sta: { type: 'boolean', default: false }, base: { type: 'boolean', default: false }, pairs: { type: 'string' }, weights: { type: 'string', default: 'f32' }, frames: { type: 'string', default: '16' }, tokens: { type: 'string', default: '33' },
  clips: { type: 'string', default: '3' }, rounds: { type: 'string', default: '1' }, threads: { type: 'string', default: String(availableParallelism()) }, dir: { type: 'string' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} as const;

await runBench(main);

async function main(signal: AbortSignal): Promise<void> {
  const values = readOptions(options);
  if (values.help) return console.log(usage);
  const shape = shapeNames.find((name) => name === values.shape);
  if (shape === undefined) throw new StaveError('USAGE', { what: values.shape === undefined ? 'no --shape is given' : `there is no shape "${values.shape}"`, fix: `give one of ${shapeNames.join(', ')}` });
  if (values.base && !values.sta) throw new StaveError('USAGE', { what: '--base without --sta', fix: 'it adds the case without temporal attention to the one with it' });
  const [tokens, clips, rounds, threads] = (['tokens', 'clips', 'rounds', 'threads'] as const).map((name) => whole(name, values[name], name === 'tokens' ? 2 : 1));
  const pairs = values.pairs === undefined ? undefined : whole('pairs', values.pairs, 1);
  const lengths = values.frames.split(',').map((n) => whole('frames', n, 2));
  const variants = values.base || pairs !== undefined ? [true, false] : [values.sta];
  const kinds = weightSettings(values.weights);
  const cases = kinds.flatMap((weights) => variants.flatMap((sta) => lengths.map((frames): Case => ({ sta, frames, weights }))));

  const folder = values.dir ?? (await mkdtemp(join(tmpdir(), 'stave-shape-')));
  process.env.STAVE_CACHE = join(folder, 'cache'); // where converted weights are kept, here and in the processes started from here
  try {
    const dir = (sta: boolean) => join(folder, `${shape}${sta ? '-sta' : ''}`);
    await checkDisk(folder, shape, variants);
    for (const sta of variants) {
      progress(`writing ${dir(sta)}`);
      await writeShape(dir(sta), shape, sta);
      for (const weights of kinds) await locate(dir(sta), { weights, signal, onConvert: ({ done }) => done === 0 && progress(`converting to ${weights}`) });
    }
    if (pairs !== undefined) return await comparePairs({ sta: dir(true), base: dir(false), threads, pairs }, kinds, lengths, { json: values.json, signal });
    const limitsNow = () => inProcess<Limits, Sizes>('limits.ts', limitSizes(shape, threads), signal);
    progress('measuring the machine');
    const limits = [await limitsNow()];
    const measured = new Map<Case, Measured[]>(cases.map((each) => [each, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [i, each] of cases.entries()) {
        progress(`round ${round + 1} of ${rounds}, case ${i + 1} of ${cases.length}`);
        measured.get(each)!.push(await inProcess<Measured, Task>('measure.ts', { dir: dir(each.sta), threads, weights: each.weights, frames: each.frames, clips, tokens }, signal));
      }
      limits.push(await limitsNow());
    }
    const machine = { cpu: cpus()[0].model.trim(), cores: cpus().length, memory: totalmem(), threads, load: loadavg()[0], platform: `${process.platform} ${process.arch}`, node: process.versions.node, onnxruntime: limits[0].engine };
    const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
    const result: Report = { command, date: new Date().toISOString(), machine, shape, tokens, limits, cases: cases.map((each) => summary(shapeConfig(shape, each.sta), each, measured.get(each)!, limits)) };
    console.log(values.json ? JSON.stringify(result, null, 1) : report(result));
  } finally {
    if (values.dir === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** What temporal attention costs the vision encoder, for each type of weights and length of clip. */
async function comparePairs({ sta, base, ...task }: Omit<PairTask, 'frames'>, kinds: readonly string[], lengths: readonly number[], { json, signal }: { json: boolean; signal: AbortSignal }): Promise<void> {
  for (const weights of kinds) {
    const [withIt, without] = await Promise.all([sta, base].map(async (model) => (await locate(model, { weights, signal })).loaded));
    for (const frames of lengths) {
      progress(`${frames} frames, ${weights}`);
      const found = await inProcess<Pairs, PairTask>('pairs.ts', { ...task, sta: withIt, base: without, frames }, signal);
      console.log(json ? JSON.stringify({ weights, frames, threads: task.threads, ...found }) : `${frames} frames, ${weights}: ${pairsText(found)}`);
    }
  }
}

/** @throws IO when the checkpoints would not fit */
async function checkDisk(folder: string, shape: ShapeName, variants: readonly boolean[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const needed = variants.reduce((sum, sta) => sum + checkpointBytes(shape, sta), 0); // copies in fewer bits check for themselves
  const free = (await freeSpace(folder)) ?? Infinity;
  if (needed > free) throw new StaveError('IO', { what: `the checkpoints take ${gigabytes(needed)}, ${gigabytes(free)} are free for ${folder}`, fix: 'make room, or give a folder on another disk: --dir' });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
