/** What a run would take, before it begins: from shapes, and from a few updates on trial that write nothing. */
import { StaveError } from '../errors.ts';
import { availableMemory } from '../generate/machine.ts';
import { Runtime } from '../runtime/index.ts';
import { isBad, type Batch, type BatchId, type Sizes } from './batch.ts';
import type { DataSource } from './data.ts';
import type { TrainEngine } from './engine.ts';
import { DROPOUT, dropoutRows } from './lora.ts';
import { estimateMemory, type Look, type TrainMemory } from './memory.ts';
import { startModel, type TrainModel } from './model.ts';
import type { Recipe } from './recipe.ts';
import { openRunData, runData, type RunData } from './run-data.ts';
import { countWeights, flopsOf, freshState, graphsBy, startData, startEngine, type GraphsBy } from './setup.ts';
import { openTokenizer } from './tokenizer.ts';

export type TrainPlan = {
  name: string;
  /** Weights in all, and those that are trained, adapters among them. */
  parameters: number;
  trained: number;
  /** Updates, and what one takes: clips, and tokens of the language model on average over the batches looked at. */
  steps: number;
  clips: number;
  tokens: number;
  /** How many batches of the run were made to know that. */
  looked_at: number;
  memory: TrainMemory;
  /** What was seen on trial; absent: there was none. */
  trial?: Trial;
  /** Why there was no trial. */
  no_trial?: string;
};

export type Trial = {
  updates: number;
  /** Resident bytes of the process at its fullest moment, an evaluation and the copy that is made to save a checkpoint included. */
  peak: number;
  /** Seconds that an average update, an evaluation and the whole run would take. Loading, saving and checkpoints are not in it. */
  update: number;
  evaluation: number;
  total: number;
};

/** Batches looked at, evenly spread over the run: lessons and files may differ much. */
const LOOKS = 12;
/** Timed updates of a trial; it ends earlier after so many seconds. */
const UPDATES = 4, SECONDS = 60;

/** Plans a run in this process. The peak of a trial is this process's: {@link planTraining} gives it one of its own.
 * @param onPlan gets what the shapes say, before anything large is allocated  @throws as train before its first step */
export async function planHere(recipe: Recipe, { trial = true, onPlan }: { trial?: boolean; onPlan?: (plan: TrainPlan) => void } = {}): Promise<TrainPlan> {
  const tokenizer = await openTokenizer(recipe);
  const opened = await openRunData(recipe);
  const model = await startModel(recipe, tokenizer);
  await using _ = { [Symbol.asyncDispose]: () => model.close() };
  const source = runData(recipe, model, opened);
  const graphs = graphsBy(recipe, model, source);
  const data = startData(source);
  try {
    const { looks, held, making } = await lookAt(recipe, source, data);
    const memory = estimateMemory({ graphs, model, source, looks, held });
    const perUpdate = (of: (sizes: Sizes) => number) => (source.micro * looks.reduce((sum, { sizes }) => sum + of(sizes), 0)) / looks.length;
    const plan: TrainPlan = { name: recipe.name, parameters: countWeights(model.tensors), trained: countWeights(model.trained), steps: recipe.steps, clips: perUpdate(({ B }) => B), tokens: perUpdate(({ tokens }) => tokens), looked_at: looks.length, memory };
    onPlan?.(plan);
    const free = availableMemory();
    if (!trial) return { ...plan, no_trial: 'none was asked for' };
    if (memory.total > free) return { ...plan, no_trial: `${Math.round(free / 1e6)} MB of memory are free, which is not enough` };
    return { ...plan, trial: await tryOut({ recipe, model, source, graphs, data, looks, held, making }) };
  } finally {
    await data.close();
  }
}

/** undefined: its row cannot be used */
async function batchOf(data: DataSource, id: BatchId): Promise<Batch | undefined> {
  const made = await data.next(id, id.index + 1); // none ahead
  return isBad(made) ? undefined : made;
}

/** Makes some batches of the run. making: seconds that one takes on average  @throws DATA when none can be made */
async function lookAt(recipe: Recipe, source: RunData, data: DataSource): Promise<{ looks: Look[]; held?: Look; making: number }> {
  const count = recipe.steps * source.micro;
  const indices = [...new Set(Array.from({ length: LOOKS }, (_, i) => Math.floor((i * count) / LOOKS)))];
  const look = async (set: 'train' | 'eval', index: number): Promise<Look[]> => {
    const batch = await batchOf(data, { set, index });
    return batch === undefined ? [] : [{ index, sizes: batch.sizes, bytes: Object.values(batch.feeds).reduce((sum, tensor) => sum + tensor.data.byteLength, 0) }];
  };
  const looks = await look('train', indices[0]); // the worker has to start first
  const start = performance.now();
  for (const index of indices.slice(1)) looks.push(...(await look('train', index)));
  const making = indices.length === 1 ? 0 : (performance.now() - start) / 1000 / (indices.length - 1);
  if (looks.length === 0) throw new StaveError('DATA', { what: `none of ${indices.length} rows looked at can be used`, fix: 'stave data check says what is wrong with them' });
  const [held] = source.held > 0 ? await look('eval', 0) : [];
  return { looks, making, ...(held && { held }) };
}

type Setup = { recipe: Recipe; model: TrainModel; source: RunData; graphs: GraphsBy; data: DataSource; looks: Look[]; held?: Look; making: number };

/** A few updates, the largest batch first, and an evaluation's batch: seconds by the operations of their matrix products. */
async function tryOut({ recipe, model, source, graphs, data, looks, held, making }: Setup): Promise<Trial> {
  const { micro } = source;
  const work = ({ sizes }: Look) => micro * flopsOf(source, graphs, sizes);
  const byWork = looks.toSorted((a, b) => work(b) - work(a));
  await using runtime = await Runtime.create({ threads: recipe.threads });
  const engine = await startEngine(runtime, recipe, source, graphs, freshState(model));
  const update = async ({ index }: Look): Promise<number> => {
    const batch = (await batchOf(data, { set: 'train', index }))!;
    if (model.lora.dropout > 0) batch.feeds[DROPOUT] = dropoutRows(recipe.seed, index, batch.sizes);
    const start = performance.now();
    await engine.update(Array.from({ length: micro }, () => batch), 0);
    return (performance.now() - start) / 1000;
  };
  await update(byWork[0]); // memory is taken once
  let seconds = 0, done = 0, updates = 0;
  for (let i = 0; i < UPDATES && seconds < SECONDS; i++) {
    const look = byWork[Math.floor((i * byWork.length) / UPDATES)];
    seconds += await update(look);
    done += work(look);
    updates++;
  }
  const evaluation = held === undefined ? 0 : source.held * (await evaluationSeconds(engine, data));
  await engine.state(); // as if to save it
  const mean = (seconds / done) * (looks.reduce((sum, look) => sum + work(look), 0) / looks.length);
  const average = Math.max(mean, (micro * making) / source.workers); // batches are made beside the updates: the slower of the two counts
  const evaluations = recipe.eval.every > 0 ? Math.ceil(recipe.steps / recipe.eval.every) : 1;
  return { updates, peak: process.resourceUsage().maxRSS * 1024, update: average, evaluation, total: recipe.steps * average + evaluations * evaluation };
}

/** Of one batch, the second time. */
async function evaluationSeconds(engine: TrainEngine, data: DataSource): Promise<number> {
  const batch = (await batchOf(data, { set: 'eval', index: 0 }))!;
  await engine.evaluate(batch);
  const start = performance.now();
  await engine.evaluate(batch);
  return (performance.now() - start) / 1000;
}
