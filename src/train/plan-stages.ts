import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { StaveError, type Code, type Details } from '../errors.ts';
import type { TrainPlan } from './plan.ts';
import type { Recipe } from './recipe.ts';

export type PlanOptions = {
  /** Whether to try a few updates, which gives times and the memory really taken. Default: true. */
  trial?: boolean;
  /** Gets what the shapes say, before the trial. */
  onPlan?: (plan: TrainPlan) => void;
  signal?: AbortSignal;
};

export type PlanRequest = { recipe: Recipe; trial: boolean };
export type PlanMessage = { plan: TrainPlan; done?: true } | { error: { code: Code } & Details };

const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './plan-process.ts' : './plan-process.js', import.meta.url));

/** Says what the stages of a recipe would take, one after the other: memory, tokens, steps, time. Writes nothing. A stage that starts from the model of the one before
 * is planned with the model that the first starts from: its shapes are the same. @throws as train before its first step; the signal's reason */
export async function planTraining(stages: readonly Recipe[], { trial = true, onPlan, signal }: PlanOptions = {}): Promise<TrainPlan[]> {
  const plans: TrainPlan[] = [];
  for (const recipe of stages) {
    const { init, model, tokenizer } = stages[0]; // a later stage's tokenizer may be that of a model which is yet to be made
    plans.push(await planStage({ recipe: { ...recipe, init, model, tokenizer }, trial }, onPlan, signal));
  }
  return plans;
}

async function planStage(request: PlanRequest, onPlan: PlanOptions['onPlan'], signal: AbortSignal | undefined): Promise<TrainPlan> {
  signal?.throwIfAborted();
  const child = fork(entry, { execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let last: PlanMessage | undefined;
  child.on('message', (message: PlanMessage) => {
    last = message;
    if ('plan' in message && message.done === undefined) onPlan?.(message.plan);
  });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    child.send(request);
    const [code, ended] = (await once(child, 'exit')) as [number | null, string | null];
    signal?.throwIfAborted();
    if (last !== undefined && 'error' in last) throw new StaveError(last.error.code, last.error);
    if (last?.done) return last.plan;
    const why = ended === null ? `its process ended with code ${code}` : `its process was ended by ${ended}, as the system does where memory runs out`;
    if (last === undefined) throw new StaveError('TRAIN', { what: `the plan of ${request.recipe.name} could not be made`, why });
    return { ...last.plan, no_trial: why };
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}
