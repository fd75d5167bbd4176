import { StaveError } from '../errors.ts';
import type { Batch } from './batch.ts';
import type { TrainEngine } from './engine.ts';
import type { EvalMetrics } from './metrics.ts';

/** Held-out batches; undefined for one that cannot be made. */
export type HeldOut = { count: number; next(index: number): Promise<Batch | undefined> };

/** Sees each batch with the likeliest token of each label. */
export type OnBatch = (batch: Batch, predicted: BigInt64Array) => void;

/** Held-out loss and teacher-forced answers: one is right when every token of it, given those before, is the likeliest. @throws the signal's reason */
export async function evaluateModel(engine: Pick<TrainEngine, 'evaluate'>, data: HeldOut, signal?: AbortSignal, onBatch?: OnBatch): Promise<EvalMetrics['eval']> {
  const kinds = new Map<string, { right: number; answers: number }>();
  let nll = 0, labels = 0;
  for (let index = 0; index < data.count; index++) {
    signal?.throwIfAborted();
    const batch = await data.next(index);
    if (batch === undefined) continue;
    const out = await engine.evaluate(batch, signal);
    onBatch?.(batch, out.predicted);
    const wanted = batch.feeds.labels.data;
    for (const { kind, labels: [from, to] } of batch.segments) {
      const tally = kinds.get(kind) ?? { right: 0, answers: 0 };
      let right = true;
      for (let i = from; i < to; i++) {
        nll += out.nll[i];
        right &&= out.predicted[i] === wanted[i];
      }
      labels += to - from;
      tally.answers++;
      if (right) tally.right++;
      kinds.set(kind, tally);
    }
  }
  if (labels === 0) throw noneUsable(data.count);
  const all = [...kinds.values()];
  return {
    loss: nll / labels,
    accuracy: all.reduce((n, { right }) => n + right, 0) / all.reduce((n, { answers }) => n + answers, 0),
    kinds: Object.fromEntries([...kinds].toSorted().map(([kind, { right, answers }]) => [kind, { accuracy: right / answers, answers }])),
  };
}

/** Looks for one batch that can be made: that there is none is better told before a run's work than after it. @throws DATA */
export async function checkHeldOut(data: HeldOut): Promise<void> {
  for (let index = 0; index < data.count; index++) if ((await data.next(index)) !== undefined) return;
  throw noneUsable(data.count);
}

function noneUsable(count: number): StaveError {
  return new StaveError('DATA', { what: `none of ${count} held-out batches could be made`, why: 'their rows cannot be used: see skipped.jsonl', fix: 'mend them, or give other rows as data.eval; then go on with the run' });
}
