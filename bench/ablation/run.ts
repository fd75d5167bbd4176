/** One run of the grid in a folder of its own: temporal attention put in, the stages trained, the result asked. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { insertTemporalAttention, type InsertOptions } from '../../src/checkpoints/index.ts';
import { exists } from '../../src/files/look.ts';
import { writeWhole } from '../../src/files/write.ts';
import { load } from '../../src/generate/index.ts';
import type { Motion10Result } from '../../src/tasks/index.ts';
import { checkpoints } from '../../src/train/checkpoint.ts';
import { readMetrics, trainStages, type Recipe, type TrainProgress } from '../../src/train/index.ts';
import { openWeights } from '../../src/weights/index.ts';
import { askClips, type AskOptions } from '../motion10/ask.ts';
import type { Clips } from '../motion10/clips.ts';
import { folderOf, type Run } from './arms.ts';
import { stagesOf, type SharedRecipe } from './recipe.ts';

/** Of a model on the clips that all are asked about. reversed: frames played backwards, the action asked */
export type Evaluation = { fresh: Motion10Result; reversed: Motion10Result; /** That it took. */ seconds: number };

/** trained: weights that were; seconds: of all updates, and of the median one */
export type StageResult = { updates: number; clips: number; trained: number; seconds: number; median: number };

export type RunResult = { arm: string; seed: number; stages: StageResult[]; evaluation: Evaluation };

export type Work = {
  /** Checkpoint without temporal attention. */
  base: string;
  /** Folder of the grid. */
  out: string;
  recipe: SharedRecipe;
  insert: Pick<InsertOptions, 'init' | 'rows'>;
  clips: Clips;
  signal: AbortSignal;
  onStep?: (progress: TrainProgress) => void;
  onClip?: AskOptions['onClip'];
};

/** What a run has come to; undefined: it is not finished. */
export const finishedRun = (out: string, run: Run): Promise<RunResult | undefined> => kept(resultFile(out, run));

/** What the unchanged base was found to be; undefined: it was not asked yet. */
export const finishedBase = (out: string): Promise<Evaluation | undefined> => kept(baseFile(out));

async function kept<T>(file: string): Promise<T | undefined> {
  return (await exists(file)) ? (JSON.parse(await readFile(file, 'utf8')) as T) : undefined;
}

/** Does what is left of a run. @throws as insertTemporalAttention, trainStages and asking do; the signal's reason, after which it goes on where it stopped */
export async function doRun(run: Run, { base, out, recipe, insert, clips, signal, onStep, onClip }: Work): Promise<RunResult> {
  const folder = runFolder(out, run);
  const init = run.arm.temporal === undefined ? base : join(folder, 'base');
  if (init !== base && !(await exists(init))) await insertTemporalAttention(base, init, { ...insert, ...run.arm.temporal, seed: run.seed, dtype: 'F32', signal });
  const stages = stagesOf(recipe, run, { init, out: folder });
  const { model } = await trainStages(stages, { resume: (await checkpoints(stages[0])).length > 0, signal, onStep });
  if (model === undefined) throw signal.reason;
  const result: RunResult = { arm: run.arm.name, seed: run.seed, stages: await Promise.all(stages.map(stageResult)), evaluation: await evaluateOn(model, clips, { signal, onClip }) };
  await writeWhole(resultFile(out, run), `${JSON.stringify(result)}\n`);
  return result;
}

/** Asks the unchanged base. @throws as asking does */
export async function askBase({ base, out, clips, signal, onClip }: Pick<Work, 'base' | 'out' | 'clips' | 'signal' | 'onClip'>): Promise<Evaluation> {
  const evaluation = await evaluateOn(base, clips, { signal, onClip });
  await writeWhole(baseFile(out), `${JSON.stringify(evaluation)}\n`);
  return evaluation;
}

async function evaluateOn(directory: string, clips: Clips, options: Pick<AskOptions, 'signal' | 'onClip'>): Promise<Evaluation> {
  await using model = await load(directory, { weights: 'f32', signal: options.signal }); // as it was trained: another copy of each run would also stay in the cache
  const start = performance.now();
  const { fresh, reversed } = await askClips(model, clips, { ...options, views: ['fresh', 'reversed'] });
  return { fresh, reversed, seconds: (performance.now() - start) / 1000 };
}

/** From what a finished stage has written. */
async function stageResult(recipe: Recipe): Promise<StageResult> {
  const updates = (await readMetrics(join(recipe.out, 'metrics.jsonl'))).filter((line) => 'loss' in line);
  await using state = await openWeights(join((await checkpoints(recipe)).at(-1)!, 'state.safetensors'));
  const trained = [...state.tensors.values()].filter(({ name }) => name.startsWith('param:')).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const seconds = updates.map((update) => update.seconds);
  return { updates: updates.length, clips: updates.reduce((sum, update) => sum + update.clips, 0), trained, seconds: seconds.reduce((a, b) => a + b, 0), median: seconds.toSorted((a, b) => a - b)[seconds.length >> 1] };
}

const runFolder = (out: string, run: Run): string => join(out, 'runs', folderOf(run));
const baseFile = (out: string): string => join(out, 'base.json');
const resultFile = (out: string, run: Run): string => join(runFolder(out, run), 'result.json');
