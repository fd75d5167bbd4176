/** The runs below a folder, side by side. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { isLocked } from '../files/lock.ts';
import { exists } from '../files/look.ts';
import { standingOf, type BestSettings } from './best.ts';
import { leaves } from './identity.ts';
import { evaluationsOf, readMetrics, type Ended, type Evaluation, type StepMetrics } from './metrics.ts';

export type RunSummary = {
  /** Its folder. */
  path: string;
  name: string;
  /** Updates done and wanted. */
  step: number;
  steps: number;
  /** `running`: a process has the folder; of another machine's nothing is known, so it counts as running. */
  state: 'finished' | 'running' | 'stopped';
  /** Why it ended; null: it runs, or was killed, or an error ended it. */
  ended: Ended | null;
  /** Mean training loss of the last 20 updates; null before the first. */
  loss: number | null;
  /** Seconds spent in updates. */
  seconds: number;
  /** The last evaluation, and the best: of the lowest held-out loss, or what the recipe's `best` goes by; null: none. */
  last: Evaluation | null;
  best: Evaluation | null;
  metric: BestSettings['metric'];
  /** The settings in which it differs from another of the runs, by their paths, as JSON; null: it has none there. */
  settings: Record<string, string | null>;
};

/** Folders of a run in which no further run lies. */
const own = new Set(['checkpoints', 'model', 'adapter', 'tensorboard', 'best']);
/** Fields that say where a run is, not what. */
const places = new Set(['out', 'name', 'threads']);

/** All runs in a folder and those below it, by path. @throws IO for what cannot be read, DATA naming a damaged line of their metrics */
export async function listRuns(folder: string): Promise<RunSummary[]> {
  const found = await findRuns(folder);
  const runs = await Promise.all(found.map(async ({ path, recipe }) => ({ path, recipe: new Map(leaves(recipe)), ...(await readRun(path, recipe)) })));
  const fields = [...new Set(runs.flatMap(({ recipe }) => [...recipe.keys()]))].filter((field) => !places.has(field));
  const different = fields.filter((field) => new Set(runs.map(({ recipe }) => recipe.get(field))).size > 1);
  return runs.map(({ recipe, ...run }) => ({ ...run, settings: Object.fromEntries(different.map((field) => [field, recipe.get(field) ?? null])) }));
}

type Found = { path: string; recipe: Record<string, unknown> };

async function findRuns(path: string): Promise<Found[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT';
    throw new StaveError('IO', { what: missing ? `there is no folder ${path}` : `cannot read the folder ${path}`, why: missing ? undefined : cause.message, fix: 'give the folder in which the runs lie: stave runs DIR', cause });
  });
  const recipe = await readRecipeOf(path);
  const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !(recipe !== undefined && own.has(entry.name))).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const inside = await Promise.all(below.map((entry) => findRuns(join(path, entry.name))));
  return [...(recipe === undefined ? [] : [{ path, recipe }]), ...inside.flat()];
}

/** undefined: no run here, or none that has begun  @throws IO, DATA for a recipe.json that is not one */
async function readRecipeOf(path: string): Promise<Record<string, unknown> | undefined> {
  if (!(await exists(join(path, 'metrics.jsonl')))) return undefined;
  const file = join(path, 'recipe.json');
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return 'null';
    throw new StaveError('IO', { what: `cannot read ${file}`, why: cause.message, fix: 'check that it is a file and may be read', cause });
  });
  let recipe: unknown;
  try {
    recipe = JSON.parse(text);
  } catch (cause) {
    throw new StaveError('DATA', { what: `${file} is not valid JSON`, why: (cause as Error).message, fix: 'mend it, or move the folder away: what it lists is a run with this recipe', cause });
  }
  if (recipe === null) return undefined;
  if (typeof recipe !== 'object' || Array.isArray(recipe)) throw new StaveError('DATA', { what: `${file} is no recipe`, why: 'it holds no object { … }', fix: 'mend it, or move the folder away' });
  return recipe as Record<string, unknown>;
}

async function readRun(path: string, recipe: Found['recipe']): Promise<Omit<RunSummary, 'path' | 'settings'>> {
  const lines = await readMetrics(join(path, 'metrics.jsonl'));
  const updates = lines.filter((line): line is StepMetrics => 'loss' in line);
  const evaluations = evaluationsOf(lines);
  const { metric } = (recipe.best ?? { metric: 'loss' }) as Pick<BestSettings, 'metric'>;
  const recent = updates.slice(-20);
  return {
    name: String(recipe.name),
    step: updates.at(-1)?.step ?? 0,
    steps: Number(recipe.steps),
    state: (await exists(join(path, 'model'))) ? 'finished' : (await isLocked(join(path, 'run.lock'))) ? 'running' : 'stopped',
    ended: lines.findLast((line) => 'ended' in line)?.ended ?? null,
    loss: recent.length === 0 ? null : recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length,
    seconds: updates.reduce((sum, { seconds }) => sum + seconds, 0),
    last: evaluations.at(-1) ?? null,
    best: standingOf(evaluations, { metric }).best,
    metric,
  };
}
