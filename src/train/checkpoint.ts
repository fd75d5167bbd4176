import { readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StaveError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { openWeights, saveSafetensors, type Weights } from '../weights/index.ts';
import { list, writeDirectory, writeWhole } from '../files/write.ts';
import { differences, firstFormatHash, type Identity } from './identity.ts';
import type { Recipe } from './recipe.ts';

/** All that a run needs to continue to the same result. Data and learning rate follow from `step` and the recipe. */
export type TrainState = {
  /** Updates done. */
  step: number;
  /** Trained tensors and their AdamW moments, by checkpoint name. */
  weights: Map<string, { shape: number[]; data: Float32Array }>;
  m: Map<string, Float32Array>;
  v: Map<string, Float32Array>;
};

/** state.json. Format 1 knew of the recipe only a hash. */
type StateFile = { format: 1; step: number; recipe: string } | { format: 2; step: number; run: Identity };

/** Writes `<out>/checkpoints/step-<n>` whole, then removes all but the last `keep` and the best. Returns its path. @param best its step  @throws StaveError IO */
export async function saveCheckpoint(recipe: Recipe, run: Identity, state: TrainState, best?: number): Promise<string> {
  const directory = checkpointAt(recipe, state.step);
  await makeFolder(dirname(directory));
  await writeDirectory(directory, async (temporary) => {
    const tensors = [...state.weights].flatMap(([name, { shape, data }]) => [
      { name: `param:${name}`, dtype: 'F32' as const, shape, data },
      { name: `m:${name}`, dtype: 'F32' as const, shape, data: state.m.get(name)! },
      { name: `v:${name}`, dtype: 'F32' as const, shape, data: state.v.get(name)! },
    ]);
    await saveSafetensors(join(temporary, 'state.safetensors'), tensors);
    const file: StateFile = { format: 2, step: state.step, run };
    await writeWhole(join(temporary, 'state.json'), `${JSON.stringify(file)}\n`);
  });
  await pruneCheckpoints(recipe, best);
  return directory;
}

/** Removes all checkpoints but the last `keep` and the best. @param best its step */
export async function pruneCheckpoints(recipe: Recipe, best?: number): Promise<void> {
  const kept = best === undefined ? undefined : checkpointAt(recipe, best);
  const older = (await checkpoints(recipe)).slice(0, -recipe.checkpoint.keep);
  for (const old of older) if (old !== kept) await rm(old, { recursive: true, force: true });
}

/** Path of the checkpoint after an update, whether it is there or not. */
export const checkpointAt = ({ out }: Pick<Recipe, 'out'>, step: number): string => join(out, 'checkpoints', `step-${String(step).padStart(7, '0')}`);

/** Paths of the whole checkpoints of a run, oldest first. */
export async function checkpoints(recipe: Recipe): Promise<string[]> {
  return (await list(join(recipe.out, 'checkpoints'))).filter((path) => /^step-\d+$/.test(basename(path))).toSorted();
}

async function readState(file: string): Promise<StateFile> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StateFile;
  } catch (cause) {
    throw new StaveError('TRAIN', { what: `${file} cannot be read`, why: (cause as Error).message, fix: 'remove its folder: the checkpoint before it is used then', cause });
  }
}

/** state.json of a checkpoint that this recipe's run has written. @throws StaveError TRAIN */
async function readSame(directory: string, recipe: Recipe, run: Identity): Promise<StateFile> {
  const file = await readState(join(directory, 'state.json'));
  let why: string;
  if (file.format === 1) {
    if (file.recipe === firstFormatHash(recipe)) return file;
    why = `its hash is ${file.recipe}, this recipe's is ${firstFormatHash(recipe)}`;
  } else {
    const different = differences(file.run, run);
    if (different.length === 0) return file;
    why = `${different.slice(0, 8).join(', ')}${different.length > 8 ? ` and ${different.length - 8} more` : ''}`;
  }
  throw new StaveError('TRAIN', { what: `${directory} was written by another recipe`, why, fix: 'resume with the recipe that the run was started with, or give another "out"' });
}

/** The last checkpoint of the recipe's run. @throws StaveError TRAIN when there is none, or naming the fields in which the recipe that wrote it differs */
export async function loadCheckpoint(recipe: Recipe, run: Identity): Promise<TrainState> {
  const directory = (await checkpoints(recipe)).at(-1);
  if (directory === undefined) {
    throw new StaveError('TRAIN', { what: `nothing to resume: ${recipe.out} has no checkpoint`, fix: 'start without --resume' });
  }
  const { step } = await readSame(directory, recipe, run);
  await using stored = await openWeights(join(directory, 'state.safetensors'));
  const state: TrainState = { step, weights: await weightsIn(stored), m: new Map(), v: new Map() };
  for (const name of state.weights.keys()) {
    state.m.set(name, await stored.readF32(`m:${name}`));
    state.v.set(name, await stored.readF32(`v:${name}`));
  }
  return state;
}

/** The weights after an update whose checkpoint is there, without the optimizer's moments. @throws as loadCheckpoint */
export async function loadTrained(recipe: Recipe, run: Identity, step: number): Promise<TrainState['weights']> {
  const directory = checkpointAt(recipe, step);
  await readSame(directory, recipe, run);
  await using stored = await openWeights(join(directory, 'state.safetensors'));
  return await weightsIn(stored);
}

async function weightsIn(stored: Weights): Promise<TrainState['weights']> {
  const weights: TrainState['weights'] = new Map();
  for (const { name, shape } of stored.tensors.values()) if (name.startsWith('param:')) weights.set(name.slice('param:'.length), { shape: [...shape], data: await stored.readF32(name) });
  return weights;
}

/** For a run that is to begin: its folder holds none yet. @throws TRAIN */
export async function refuseBegun(recipe: Recipe): Promise<undefined> {
  const last = (await checkpoints(recipe)).at(-1);
  if (last === undefined) return;
  const step = Number(basename(last).replace('step-', ''));
  throw new StaveError('TRAIN', { what: `${recipe.out} holds a run that has come to step ${step}`, why: 'to start anew would mix the two', fix: 'continue it (resume: true); or move the folder away, or give another "out"' });
}
