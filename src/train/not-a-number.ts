/** What a run says that has come to a loss or a gradient norm that is not a number. */
import { StaveError } from '../errors.ts';
import type { Batch } from './batch.ts';
import type { TrainEngine } from './engine.ts';

/** Looks for the layer and the clips in which it began: the weights are still those before the update. @param used the update's batches  @param peak optimizer.lr */
export async function notANumber({ step, loss, grad_norm }: { step: number; loss: number; grad_norm: number }, used: readonly Batch[], engine: Pick<TrainEngine, 'diagnose' | 'evaluate'>, peak: number): Promise<StaveError> {
  const found: string[] = [];
  for (const batch of used) {
    const where = await engine.diagnose(batch);
    if (where === undefined) continue;
    const { nll } = await engine.evaluate(batch);
    const broken = batch.segments.filter(({ labels: [from, to] }) => !nll.subarray(from, to).every(Number.isFinite));
    const seeds = [...new Set((broken.length > 0 ? broken : batch.segments).map(({ seed }) => seed))];
    found.push(`${where} is not finite, with ${broken.length > 0 ? '' : 'some of '}${seeds.join(', ')}`);
  }
  return new StaveError('TRAIN', {
    what: `step ${step}: the loss is ${loss}, the gradient norm ${grad_norm}`,
    why: found.length > 0 ? found.join('; ') : 'each of its batches alone gives finite numbers: together they are too large',
    fix: `start again with a lower optimizer.lr (now ${peak}) and another "out"; the last checkpoint of this run is untouched`,
  });
}
