/** The process that plans a stage, see plan-stages.ts: what it takes is then the run's own, and a lack of memory ends no other. */
import { StaveError } from '../errors.ts';
import type { PlanMessage, PlanRequest } from './plan-stages.ts';
import { planHere } from './plan.ts';

const tell = (message: PlanMessage): Promise<void> => new Promise((resolve) => process.send!(message, undefined, undefined, () => resolve()));

process.once('disconnect', () => process.exit(1)); // nobody waits any more
process.once('message', ({ recipe, trial }: PlanRequest) => {
  void planHere(recipe, { trial, onPlan: (plan) => void tell({ plan }) })
    .then((plan) => tell({ plan, done: true }))
    .catch((error: unknown) => {
      const { code, what, why, fix } = error instanceof StaveError ? error : { code: 'TRAIN' as const, what: 'the plan could not be made', why: error instanceof Error ? error.stack : String(error), fix: undefined };
      return tell({ error: { code, what, why, fix } });
    })
    .finally(() => process.exit());
});
