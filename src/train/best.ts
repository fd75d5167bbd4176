/** The best of a run's evaluations on held-out data: which it is, and when none better has come for too long. */
import type { Fields } from '../models/fields.ts';
import type { Ended, Evaluation } from './metrics.ts';

export type BestSettings = {
  /** What makes an evaluation the best: the lowest held-out loss, or most answers right. */
  metric: 'loss' | 'accuracy';
  /** Evaluations in a row without an improvement after which the run ends. Absent: it goes on to its last step. */
  patience?: number;
  /** An improvement is one by more than this. Absent: any. */
  min_delta?: number;
  /** Which weights become the run's model: those of the best evaluation, or the last. */
  model: 'best' | 'last';
};

export type Standing = {
  /** The best so far, the earlier of two alike; null: none, or none with a finite number. */
  best: Evaluation | null;
  /** Evaluations since the last improvement by more than min_delta. */
  waited: number;
};

/** Where a run stands after these evaluations, in their order. It follows from metrics.jsonl alone: a resumed run stands where it stood. */
export function standingOf(evaluations: Iterable<Evaluation>, { metric, min_delta = 0 }: Pick<BestSettings, 'metric' | 'min_delta'>): Standing {
  const worth = (evaluation: Evaluation): number => (metric === 'loss' ? -evaluation.loss : evaluation.accuracy);
  let best: Evaluation | null = null, improved = -Infinity, waited = 0;
  for (const evaluation of evaluations) {
    const now = worth(evaluation);
    if (Number.isFinite(evaluation[metric]) && (best === null || now > worth(best))) best = evaluation;
    if (best === evaluation && now > improved + min_delta) {
      improved = now;
      waited = 0;
    } else waited++;
  }
  return { best, waited };
}

/** Whether the run ends, since it improved too long ago. */
export const isOver = (standing: Standing | undefined, settings: Pick<BestSettings, 'patience'> = {}): boolean => (standing?.waited ?? 0) >= (settings.patience ?? Infinity);

/** `the lowest held-out loss, 2.3120 at step 40` */
export function describeBest({ step, loss, accuracy }: Evaluation, metric: BestSettings['metric']): string {
  return metric === 'loss' ? `the lowest held-out loss, ${loss.toFixed(4)} at step ${step}` : `most held-out answers right, ${(100 * accuracy).toFixed(1)} % at step ${step}`;
}

/** Why training ended, in words. */
export function describeEnd(ended: Ended, best?: BestSettings): string {
  if (ended === 'steps') return 'all updates are done';
  return ended === 'signal' ? 'it was asked to stop' : best?.patience === 1 ? 'one evaluation without an improvement' : `${best?.patience} evaluations in a row without an improvement`;
}

/** @throws RECIPE */
export function parseBest(fields: Fields): BestSettings {
  const best: BestSettings = {
    metric: fields.oneOf('metric', ['loss', 'accuracy']),
    ...(fields.has('patience') && { patience: fields.integer('patience') }),
    ...(fields.has('min_delta') && { min_delta: fields.number('min_delta', undefined, { min: 0 }) }),
    model: fields.oneOf('model', ['best', 'last'], 'best'),
  };
  if (best.min_delta !== undefined && best.patience === undefined) fields.objectTo('min_delta', 'without patience no improvement is waited for', 'give patience, or leave it out');
  fields.done();
  return best;
}
