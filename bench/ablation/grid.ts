/** All runs of a grid, one after the other: what is done stays, what is not is done. */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { bytes, duration } from '../../src/cli/units.ts';
import type { Progress } from '../../src/cli/progress.ts';
import { StaveError } from '../../src/errors.ts';
import { makeFolder } from '../../src/files/folder.ts';
import { freeSpace } from '../../src/files/look.ts';
import { list, writeError, writeWhole } from '../../src/files/write.ts';
import { lockRun } from '../../src/train/lock.ts';
import { renderedClips, type Clips } from '../motion10/clips.ts';
import type { Run } from './arms.ts';
import { figure } from './figure.ts';
import { ofKinds, type Grid } from './options.ts';
import { diskLeft, secondsLeft, type Estimate, type Left } from './plan.ts';
import { resultsTable, type Results } from './results.ts';
import { askBase, doRun, finishedBase, finishedRun, type Evaluation, type RunResult } from './run.ts';
import { keepSettings } from './settings.ts';

/** What a grid has come to. */
export type Standing = { base: Evaluation | undefined; found: Map<Run, RunResult> };

export async function standingOf({ out, runs }: Grid): Promise<Standing> {
  const found = new Map<Run, RunResult>();
  for (const run of runs) {
    const result = await finishedRun(out, run);
    if (result) found.set(run, result);
  }
  return { base: await finishedBase(out), found };
}

/** What is yet to be done. */
export async function leftOf({ out, runs, asked }: Grid, { base, found }: Standing): Promise<Left> {
  const drawn = 'count' in asked;
  const there = drawn ? (await list(clipsFolder(out))).filter((file) => /\.(mp4|webm)$/.test(file)).length : 0;
  return { runs: runs.filter((run) => !found.has(run)), askBase: base === undefined, clips: drawn ? asked.count : new Set(asked.records.map(({ video }) => video)).size, undrawn: drawn ? Math.max(0, asked.count - there) : 0 };
}

type Telling = { signal: AbortSignal; progress: Progress; say: (line: string) => void };

/** Does what is left, the results so far written after each run. @throws as doRun; IO where the disk has no room */
export async function runGrid(grid: Grid, standing: Standing, left: Left, estimate: Estimate, { signal, progress, say }: Telling): Promise<void> {
  const { out, runs } = grid;
  const [needed, free] = [diskLeft(estimate, left.runs), (await freeSpace(out)) ?? Infinity];
  if (needed > free) throw new StaveError('IO', { what: `the runs write ${bytes(needed)}, ${bytes(free)} are free for ${out}`, fix: 'make room, or give a folder on another disk: --out' });
  await makeFolder(out).catch((cause: unknown) => { throw writeError(out, cause); });
  await using _ = await lockRun(out);
  await keepSettings(out, grid.settings);
  const work = (name: string) => ({
    ...grid, signal,
    onStep: ({ step, steps, loss }: { step: number; steps: number; loss: number }) => progress.show(`${name}: step ${step}/${steps}, loss ${loss.toFixed(4)}`),
    onClip: ({ done, total, right }: { done: number; total: number; right: number }) => progress.show(`${name}: ${done}/${total} clips, ${(100 * right).toFixed(1)} % right`),
  });
  const clips = await clipsOf(grid, signal, (done, count) => progress.show(`${done}/${count} clips drawn`));
  standing.base ??= await askBase({ ...work('base as it is'), clips });
  for (const [i, run] of left.runs.entries()) {
    const name = `${run.arm.name}, seed ${run.seed}`;
    const result = await doRun(run, { ...work(name), clips });
    standing.found.set(run, result);
    await writeResults(grid, standing);
    const rest = secondsLeft(estimate, { ...left, runs: left.runs.slice(i + 1), undrawn: 0, askBase: false });
    say(`${name}: ${(100 * result.evaluation.fresh.overall.accuracy).toFixed(1)} % right; ${standing.found.size} of ${runs.length} runs done${rest > 0 ? `, at most ${duration(rest)} left` : ''}`);
  }
}

async function clipsOf({ out, asked, kinds }: Grid, signal: AbortSignal, onClip: (done: number, count: number) => void): Promise<Clips> {
  if (!('count' in asked)) return asked;
  return ofKinds(await renderedClips(clipsFolder(out), { ...asked, signal, onClip: ({ done, count }) => onClip(done, count) }), kinds);
}

const clipsFolder = (out: string): string => join(out, 'clips');

/** Of a grid whose base was asked: as JSON, as a table and as a picture. @throws IO */
export async function writeResults({ out, runs, recipe, settings }: Grid, { base, found }: Standing): Promise<Results> {
  const results: Results = {
    command: `node bench/ablation.ts ${process.argv.slice(2).join(' ')}`,
    machine: { cpu: cpus()[0].model.trim(), threads: (recipe.json.threads as number | undefined) ?? 2, node: process.version },
    settings, base: base!, runs: runs.flatMap((run) => found.get(run) ?? []), left: runs.length - found.size,
  };
  await writeWhole(join(out, 'results.json'), `${JSON.stringify(results)}\n`);
  await writeWhole(join(out, 'results.md'), resultsTable(results));
  await writeWhole(join(out, 'figure.svg'), figure(results));
  return results;
}
