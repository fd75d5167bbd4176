/** What a grid would take, before it begins: a few updates and questions on trial, in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { insertTemporalAttention } from '../../src/checkpoints/index.ts';
import { columns } from '../../src/cli/columns.ts';
import { bytes, duration } from '../../src/cli/units.ts';
import { load } from '../../src/generate/index.ts';
import { planTraining, type TrainPlan } from '../../src/train/index.ts';
import { askClips } from '../motion10/ask.ts';
import { renderedClips } from '../motion10/clips.ts';
import type { Arm, Run } from './arms.ts';
import { ofKinds, type Grid } from './options.ts';
import { stagesOf } from './recipe.ts';

/** seconds: of all updates, NaN where none could be tried; updates, trained: by stage; memory, disk: bytes, of the latter what a run leaves */
type Cost = { seconds: number; updates: number[]; trained: number[]; memory: number; disk: number };

/** temporal: of the largest head scale, which is the slowest. clip: seconds to draw one, and to ask what is asked of it */
export type Estimate = { lora: Cost; temporal: Cost; clip: { draw: number; ask: number } };

/** What is yet to be done. clips: that each result is asked about */
export type Left = { runs: Run[]; askBase: boolean; clips: number; undrawn: number };

/** Clips on trial: the first pays for what is made once. */
const TRIAL = 4;

/** Tries the arm without temporal attention and that with most of it. @throws as insertTemporalAttention, planTraining and asking do */
export async function estimateGrid(grid: Grid, { signal, onWork }: { signal: AbortSignal; onWork: (what: string) => void }): Promise<Estimate> {
  const folder = await mkdtemp(join(tmpdir(), 'stave-ablation-'));
  try {
    const [without, ...others] = grid.arms;
    const [largest] = others.toSorted((a, b) => b.temporal!.head_scale - a.temporal!.head_scale);
    const inserted = join(folder, 'base');
    await insertTemporalAttention(grid.base, inserted, { ...grid.insert, ...largest.temporal, dtype: 'F32', signal });
    onWork(`trying ${without.name}`);
    const lora = await costOf(grid, without, { init: grid.base, out: folder }, signal);
    onWork(`trying ${largest.name}`);
    const temporal = await costOf(grid, largest, { init: inserted, out: folder }, signal);
    onWork('trying some questions');
    return { lora, temporal, clip: await clipSeconds(grid, folder, signal) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function costOf({ recipe }: Grid, arm: Arm, places: { init: string; out: string }, signal: AbortSignal): Promise<Cost> {
  const stages = stagesOf(recipe, { arm, seed: 1 }, places);
  const plans = await planTraining(stages, { signal });
  const sum = (of: (plan: TrainPlan, i: number) => number) => plans.reduce((total, plan, i) => total + of(plan, i), 0);
  const [{ parameters }] = plans;
  return {
    seconds: sum(({ trial }) => trial?.total ?? NaN),
    updates: plans.map(({ steps }) => steps),
    trained: plans.map(({ trained }) => trained),
    memory: Math.max(...plans.map(({ memory, trial }) => trial?.peak ?? memory.total)),
    disk: sum(({ trained }, i) => parameters * (stages[i].dtype === 'F32' ? 4 : 2) + 12 * trained * stages[i].checkpoint.keep) + (arm.temporal === undefined ? 0 : 4 * parameters),
  };
}

async function clipSeconds({ asked, kinds, base }: Grid, folder: string, signal: AbortSignal): Promise<Estimate['clip']> {
  const start = performance.now();
  const clips = 'count' in asked ? ofKinds(await renderedClips(join(folder, 'clips'), { count: TRIAL, seed: 'trial', signal }), kinds) : asked;
  const draw = (performance.now() - start) / 1000 / TRIAL;
  const videos = [...new Set(clips.records.map(({ video }) => video))].slice(0, TRIAL);
  await using model = await load(base, { weights: 'f32', signal });
  const times: number[] = [];
  await askClips(model, { ...clips, records: clips.records.filter(({ video }) => videos.includes(video)) }, { views: ['fresh', 'reversed'], signal, onClip: () => times.push(performance.now()) });
  return { draw, ask: times.length < 2 ? 0 : (times.at(-1)! - times[0]) / 1000 / (times.length - 1) };
}

const costIn = (estimate: Estimate, { temporal }: Arm): Cost => (temporal === undefined ? estimate.lora : estimate.temporal);

/** Of a run, its evaluation included. */
const secondsOf = (estimate: Estimate, arm: Arm, clips: number): number => costIn(estimate, arm).seconds + clips * estimate.clip.ask;

/** Of all that is left. */
export function secondsLeft(estimate: Estimate, { runs, clips, undrawn, askBase }: Left): number {
  return undrawn * estimate.clip.draw + (askBase ? clips * estimate.clip.ask : 0) + runs.reduce((sum, { arm }) => sum + secondsOf(estimate, arm, clips), 0);
}

/** Bytes that the runs leave. */
export const diskLeft = (estimate: Estimate, runs: readonly Run[]): number => runs.reduce((sum, { arm }) => sum + costIn(estimate, arm).disk, 0);

/** A line for each arm with the seeds that are yet to come. */
export function planText(estimate: Estimate, { arms, seeds }: Grid, left: Left): string {
  const rows = arms.map((arm) => {
    const { updates, trained } = costIn(estimate, arm);
    const most = arm.temporal === undefined ? '' : '≤ ';
    const open = left.runs.filter((run) => run.arm === arm).map(({ seed }) => seed);
    return [arm.name, updates.join(' + '), trained.map((n) => `${most}${(n / 1e6).toFixed(3)} M`).join(', '), `${most}${duration(secondsOf(estimate, arm, left.clips))}`, open.length === 0 ? 'done' : `seeds ${open.join(', ')}${open.length < seeds.length ? '; the others are done' : ''}`];
  });
  const base = ['base as it is', '-', '-', duration(left.clips * estimate.clip.ask), left.askBase ? 'asked once' : 'done'];
  return [
    columns([['run', 'updates', 'weights trained', 'time of one', ''], base, ...rows]),
    `each is asked about ${left.clips} clips${left.undrawn > 0 ? `, ${left.undrawn} of them drawn first in ${duration(left.undrawn * estimate.clip.draw)}` : ''}\n`,
    `in all at most ${duration(secondsLeft(estimate, left))}, ${bytes(Math.max(estimate.lora.memory, estimate.temporal.memory))} of memory, ${bytes(diskLeft(estimate, left.runs))} of disk; with temporal attention a run counts as one of the largest head scale\n`,
  ].join('');
}
