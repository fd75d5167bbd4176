/** Where a run stands that keeps its best. */
import { StaveError } from '../errors.ts';
import { exists } from '../files/look.ts';
import { standingOf, type Standing } from './best.ts';
import { checkpointAt } from './checkpoint.ts';
import { evaluationsOf, type MetricsLine } from './metrics.ts';
import type { Recipe } from './recipe.ts';

/** After `done` updates, from the lines of metrics.jsonl; undefined: the recipe has no `best`. @throws TRAIN where an evaluation, or the checkpoint of the best one, is gone */
export async function standingAt(recipe: Recipe, lines: readonly MetricsLine[], done: number): Promise<Standing | undefined> {
  const { best: settings, eval: { every } } = recipe;
  if (settings === undefined) return undefined;
  const evaluations = evaluationsOf(lines);
  const known = new Set(evaluations.map(({ step }) => step));
  for (let step = every; step < done; step += every) if (!known.has(step)) throw lost(recipe, `metrics.jsonl has no evaluation of step ${step}`);
  const standing = standingOf(evaluations, settings);
  const step = standing.best?.step;
  if (step !== undefined && step !== done && !(await exists(checkpointAt(recipe, step)))) throw lost(recipe, `the checkpoint of step ${step}, which did best, is gone`);
  return standing;
}

function lost({ out }: Recipe, what: string): StaveError {
  return new StaveError('TRAIN', { what: `${out}: ${what}`, why: 'without it a run that keeps its best cannot go on as if it had not been stopped', fix: 'put back what was there, or start anew with another "out"' });
}
