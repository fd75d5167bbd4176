import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbort } from '../errors.ts';
import { makeFolder, removeEmpty } from '../files/folder.ts';
import type { Tokenizer } from '../text/index.ts';
import { Runtime } from '../runtime/index.ts';
import type { Batch } from './batch.ts';
import { describeBest, describeEnd, isOver, type Standing } from './best.ts';
import { loadCheckpoint, loadTrained, pruneCheckpoints, refuseBegun, saveCheckpoint } from './checkpoint.ts';
import { Batches } from './batches.ts';
import type { TrainEngine } from './engine.ts';
import { checkHeldOut, evaluateModel, type OnBatch } from './evaluate.ts';
import { writeError, writeWhole } from '../files/write.ts';
import { identityOf, type Identity } from './identity.ts';
import { lockRun } from './lock.ts';
import { Meter } from './meter.ts';
import type { Ended, EvalMetrics, Evaluation } from './metrics.ts';
import { DROPOUT, dropoutRows } from './lora.ts';
import { startModel, type TrainModel } from './model.ts';
import { notANumber } from './not-a-number.ts';
import type { Recipe } from './recipe.ts';
import { RunRecord } from './record.ts';
import { openRunData, runData, type RunData } from './run-data.ts';
import { saveModel } from './save-model.ts';
import { scheduleFactor } from './schedule.ts';
import { countWeights, flopsOf, freshState, graphsBy, startData, startEngine } from './setup.ts';
import { shownOf, type Shown } from './shown.ts';
import { SkippedFile } from './skipped.ts';
import { standingAt } from './standing.ts';
import { openTokenizer } from './tokenizer.ts';
import type { TrainOptions, TrainResult } from './train-options.ts';

/** Runs a recipe: clips rendered on the way, one update a step, evaluations, checkpoints, and at the end the model in `<out>/model`.
 * @throws RECIPE, DATA (rows that cannot be trained on, all at once), TRAIN (loss not a number, nothing to resume, another run in the folder), IO (full disk): the last whole checkpoint stays */
export async function train(recipe: Recipe, options: TrainOptions = {}): Promise<TrainResult> {
  const made = await makeFolder(recipe.out).catch((error) => {
    throw writeError(recipe.out, error);
  });
  try {
    await using _ = await lockRun(recipe.out);
    return await locked(recipe, options);
  } catch (error) {
    if (made !== undefined) await removeEmpty(recipe.out, made); // a run that was refused has written nothing there
    throw error;
  }
}

async function locked(recipe: Recipe, { onStep, onLog, signal, resume = false }: TrainOptions): Promise<TrainResult> {
  const note: Run['note'] = (line) => appendFile(join(recipe.out, 'log.txt'), `${new Date().toISOString()} ${line}\n`).catch((error) => {
    throw writeError(join(recipe.out, 'log.txt'), error);
  });
  const log: Run['log'] = async (line) => {
    onLog?.(line);
    await note(line);
  };
  const tokenizer = await openTokenizer(recipe);
  const opened = await openRunData(recipe);
  const identity = await identityOf(recipe);
  const saved = resume ? await loadCheckpoint(recipe, identity) : await refuseBegun(recipe);
  const model = await startModel(recipe, tokenizer);
  await using _ = { [Symbol.asyncDispose]: () => model.close() };
  const state = saved ?? freshState(model);
  const source = runData(recipe, model, opened);
  await using record = await RunRecord.open(recipe, state.step); // what comes before it writes nothing
  await using skipped = await SkippedFile.open(join(recipe.out, 'skipped.jsonl'), source, state.step);
  await writeWhole(join(recipe.out, 'recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);

  const runtime = await Runtime.create({ threads: recipe.threads });
  const data = startData(source);
  try {
    const graphs = graphsBy(recipe, model, source);
    const started = performance.now();
    const engine = await startEngine(runtime, recipe, source, graphs, state, signal);
    const [size, trained] = [model.tensors, model.trained].map(countWeights);
    await log(`${recipe.name}: ${(size / 1e6).toFixed(2)} M parameters${trained < size ? `, ${(trained / 1e6).toFixed(2)} M of them trained` : ''}, graphs ready in ${((performance.now() - started) / 1000).toFixed(1)} s, ${resume ? `continuing after step ${state.step}` : `seed ${recipe.seed}`}`);
    const meter = new Meter(recipe.steps, (sizes) => flopsOf(source, graphs, sizes));
    const batches = new Batches(data, skipped, log);
    return await steps({ recipe, identity, tokenizer, model, runtime, engine, source, batches, record, log, note, meter, onStep, signal }, state.step);
  } finally {
    await data.close();
    await runtime.dispose();
  }
}

type Run = { recipe: Recipe; identity: Identity; tokenizer: Tokenizer; model: TrainModel; runtime: Runtime; engine: TrainEngine; source: RunData; batches: Batches; record: RunRecord; log: (line: string) => Promise<void>; /** Into log.txt alone: what the result says too. */ note: (line: string) => Promise<void>; meter: Meter } & Pick<TrainOptions, 'onStep' | 'signal'>;

async function steps(run: Run, done: number): Promise<TrainResult> {
  const { recipe, engine, source, batches, record, meter, onStep, signal } = run;
  let saved = done;
  const due = (every: number) => (every > 0 && done % every === 0) || done === recipe.steps;
  const evaluationDue = () => due(recipe.eval.every) && source.held > 0;
  let held = (await record.lines()).findLast((line): line is EvalMetrics => 'eval' in line && line.step === done)?.eval;
  const madeUpFor = held === undefined && done > 0 && evaluationDue();
  if (madeUpFor) held = await evaluate(run, done);
  let complete = held !== undefined || done === 0 || !evaluationDue(); // no evaluation is missing
  let standing = await standingAt(recipe, await record.lines(), done);
  if (madeUpFor && complete) await prune(run, standing);
  const going = () => complete && done < recipe.steps && !isOver(standing, recipe.best);
  if (going() && source.held > 0) await checkHeldOut({ next: (index) => batches.next({ set: 'eval', index }, index + 1, done), count: source.held }); // none ahead
  while (going()) {
    if (signal?.aborted) break;
    const used: Batch[] = [];
    const lr = recipe.optimizer.lr * scheduleFactor(recipe.schedule, done);
    const { loss, grad_norm } = await engine.update(microBatches(run, done, used), lr);
    done++;
    if (!Number.isFinite(loss) || !Number.isFinite(grad_norm)) throw await notANumber({ step: done, loss, grad_norm }, used, engine, recipe.optimizer.lr);
    const speed = meter.step(done, used.map(({ sizes }) => sizes));
    await record.add({ step: done, loss, grad_norm, lr, ...speed.line });
    if (due(recipe.checkpoint.every)) { // before the evaluation, which may fail: going on from there it is made up for
      await save(run, standing);
      saved = done;
      meter.pause();
    }
    const now = evaluationDue() ? await evaluate(run, done) : undefined;
    complete = now !== undefined || !evaluationDue();
    held = now ?? held;
    if (now !== undefined && recipe.best) {
      standing = await standingAt(recipe, await record.lines(), done);
      if (standing?.best?.step === done && saved < done) {
        await save(run, standing);
        saved = done;
      } else await prune(run, standing);
      meter.pause();
    }
    onStep?.({ step: done, steps: recipe.steps, loss, grad_norm, lr, ...speed.progress, ...(now === undefined ? {} : { eval: now }) });
  }
  if (saved < done) await save(run, standing);
  const ended = isOver(standing, recipe.best) ? 'patience' : done === recipe.steps && complete ? 'steps' : 'signal';
  return { ...(await end(run, done, ended, standing?.best ?? undefined)), eval: held };
}

async function save({ recipe, identity, engine, record }: Run, standing: Standing | undefined): Promise<void> {
  await record.sync();
  await saveCheckpoint(recipe, identity, await engine.state(), standing?.best?.step);
}

/** Which checkpoints stay follows from evaluations: these are on disk before any goes. */
async function prune({ recipe, record }: Run, standing: Standing | undefined): Promise<void> {
  if (standing === undefined) return;
  await record.sync();
  await pruneCheckpoints(recipe, standing.best?.step);
}

/** Writes down how the run ended, and the model, unless it is to go on. @param best of the recipe's `best` */
async function end({ recipe, identity, model, engine, runtime, batches, record, log, note }: Run, step: number, ended: Ended, best: Evaluation | undefined): Promise<TrainResult> {
  const result = { step, finished: ended !== 'signal', ended, ...(best && { best }) };
  if (ended === 'signal') {
    await record.add({ step, ended, ...(best && { best }) });
    await record.draw();
    await note(`stopped after step ${step}; its checkpoint is saved`);
    return result;
  }
  const model_step = recipe.best?.model === 'best' && best ? best.step : step;
  const weights = model_step === step ? (await engine.state()).weights : await loadTrained(recipe, identity, model_step);
  const files = await saveModel(recipe, model, weights, runtime);
  await record.add({ step, ended, ...(best && { best }), model_step });
  await record.draw();
  if (recipe.best?.model === 'best' && !best) await log(`no evaluation has a held-out ${recipe.best.metric} that is a number, so none is the best: the model is that of the last step, ${step}`);
  if (recipe.best && best) await log(`ended after step ${step}: ${describeEnd(ended, recipe.best)}; ${describeBest(best, recipe.best.metric)}, the model is that of step ${model_step}`);
  await note(`finished: ${files.model}${batches.skipped > 0 ? `; ${batches.skipped} rows of the data were left out, see skipped.jsonl` : ''}`);
  return { ...result, ...files, model_step, ...(batches.skipped > 0 && { skipped: batches.skipped }) };
}

/** Held-out clips in a report. */
const SHOWN = 6;

/** Evaluates and writes the result down; undefined when the signal came before its end. */
async function evaluate({ tokenizer, model, engine, source, batches, record, log, meter, signal }: Run, step: number): Promise<EvalMetrics['eval'] | undefined> {
  const shown: Shown[] = [];
  const keep: OnBatch = (batch, predicted) => {
    if (shown.length < SHOWN) shown.push(...shownOf(batch, predicted, tokenizer, model.config).slice(0, SHOWN - shown.length));
  };
  const held = await evaluateModel(engine, { next: (index) => batches.next({ set: 'eval', index }, source.held, step), count: source.held }, signal, keep).catch((error: unknown) => {
    if (signal?.aborted && isAbort(error, signal)) return undefined;
    throw error;
  });
  if (held === undefined) return undefined;
  await record.add({ step, eval: held });
  const loss = (await record.lines()).findLast((line) => 'loss' in line)?.loss ?? NaN;
  const kinds = Object.entries(held.kinds).map(([kind, { accuracy }]) => `${kind} ${(100 * accuracy).toFixed(1)}`);
  await log(`step ${step}: loss ${loss.toFixed(4)}, held-out loss ${held.loss.toFixed(4)}, answers right ${(100 * held.accuracy).toFixed(1)} % (${kinds.join(', ')})`);
  await record.draw(shown);
  meter.pause();
  return held;
}

/** The micro-batches of the update after `done` ones; `used` collects them for reports. */
async function* microBatches({ recipe, source: { micro }, batches, model }: Run, done: number, used: Batch[]): AsyncGenerator<Batch> {
  for (let index = done * micro; index < (done + 1) * micro; index++) {
    const batch = await batches.next({ set: 'train', index }, recipe.steps * micro, done + 1);
    if (batch === undefined) continue;
    if (model.lora.dropout > 0) batch.feeds[DROPOUT] = dropoutRows(recipe.seed, index, batch.sizes);
    used.push(batch);
    yield batch;
  }
}
