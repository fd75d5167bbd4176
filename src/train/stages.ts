/** A recipe of several stages, each a run of its own that starts from the model of the one before: as in the paper, temporal attention alone, then with adapters on the rest. */
import { join, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { exists } from '../files/look.ts';
import { Fields, type FieldProblem } from '../models/fields.ts';
import { isOver, standingOf } from './best.ts';
import type { Changes } from './change.ts';
import { checkpoints, loadCheckpoint } from './checkpoint.ts';
import { identityOf } from './identity.ts';
import { train } from './loop.ts';
import { evaluationsOf, readMetrics } from './metrics.ts';
import { parseRecipe, readRecipe, type Recipe } from './recipe.ts';
import { RecipeProblems } from './recipe-problems.ts';
import type { TrainOptions, TrainResult } from './train-options.ts';

/** Fields that no stage may have for itself. */
const common = ['out', 'init', 'model', 'tokenizer', 'stages'];

export type StagesOptions = { /** Goes before the recipe's. */ out?: string; /** Other values for some of its fields. */ set?: Changes };

/** Reads a recipe with `stages`, or one without: then it is the only stage. @throws as loadRecipe */
export async function loadStages(file: string, { out, set }: StagesOptions = {}): Promise<Recipe[]> {
  return readRecipe(file, (json, base) => parseStages(json, base, out), set);
}

/** @param base directory that relative paths start from  @throws RECIPE */
export function parseStages(json: unknown, base: string, out?: string): Recipe[] {
  const problems: FieldProblem[] = [];
  const root = new Fields(json, '', { code: 'RECIPE', problems });
  if (problems.length === 0 && !root.has('stages')) return [parseRecipe(out === undefined ? json : { ...root.json, out: resolve(out) }, base)];
  const folder = out === undefined ? resolve(base, root.string('out')) : resolve(out);
  const { stages: _, ...shared } = root.json;
  const stages = root.objects('stages');
  if (root.has('stages') && stages.length === 0) root.objectTo('stages', undefined, 'give at least one, or leave it out');
  const recipes = stages.flatMap((stage, i) => {
    const surplus = common.find((name) => stage.has(name));
    if (surplus !== undefined) stage.objectTo(surplus, 'it is the same for all stages', 'give it beside "stages"');
    const own = Object.fromEntries(Object.entries(stage.json).filter(([name]) => !common.includes(name)));
    const start = i === 0 ? {} : { init: join(folder, `stage-${i}`, 'model'), model: null };
    try {
      return [parseRecipe({ ...shared, name: `${String(shared.name ?? 'run')}, stage ${i + 1}`, ...own, ...start, out: join(folder, `stage-${i + 1}`) }, base)];
    } catch (error) {
      if (!(error instanceof RecipeProblems)) throw error;
      for (const problem of error.problems) problems.push(inStage(problem, i, stage.json));
      return [];
    }
  });
  if (problems.length > 0) throw new RecipeProblems(problems);
  return recipes;
}

/** A problem of a stage, in the words of the whole recipe: what the stage doesn't say itself stands beside the stages. */
function inStage({ path, error }: FieldProblem, i: number, stage: object): FieldProblem {
  const own = Object.hasOwn(stage, path.split(/[.[]/)[0]);
  return { path: own ? `stages[${i}].${path}` : path, error: new StaveError(error.code, { ...error, what: `stages[${i}]: ${error.what}`, cause: error }) };
}

/** Trains one stage after the other; with `resume` goes on in the stage that was reached. @returns the result of the last stage, or of the one (from 0) that was stopped  @throws as train */
export async function trainStages(stages: readonly Recipe[], options: TrainOptions = {}): Promise<TrainResult & { stage: number }> {
  const { resume = false } = options;
  for (const [stage, recipe] of stages.entries()) {
    const last = stage === stages.length - 1;
    const begun = resume && (await checkpoints(recipe)).length > 0;
    if (begun && !last && (await isFinished(recipe))) continue;
    const result = await train(recipe, { ...options, resume: stage === 0 ? resume : begun });
    if (last || !result.finished) return { ...result, stage };
  }
  throw new StaveError('USAGE', { what: 'there is no stage to train', fix: 'give at least one recipe' });
}

/** Whether a stage has come to its end with this recipe. @throws TRAIN when another one made what is there */
async function isFinished(recipe: Recipe): Promise<boolean> {
  const { step } = await loadCheckpoint(recipe, await identityOf(recipe));
  if (!(await exists(join(recipe.out, 'model')))) return false;
  if (step === recipe.steps || recipe.best === undefined) return step === recipe.steps;
  const evaluations = evaluationsOf(await readMetrics(join(recipe.out, 'metrics.jsonl')));
  return isOver(standingOf(evaluations.filter((evaluation) => evaluation.step <= step), recipe.best), recipe.best);
}
