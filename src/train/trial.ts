/** A few updates of a planned run, and what they say of all. */
import { Runtime } from '../runtime/index.ts';
import type { Batch } from './batch.ts';
import type { TrainEngine } from './engine.ts';
import { DROPOUT, dropoutRows } from './lora.ts';
import type { Look } from './memory.ts';
import type { TrainModel } from './model.ts';
import type { Recipe } from './recipe.ts';
import type { RunData } from './run-data.ts';
import type { Section } from './sections.ts';
import { flopsOf, freshState, startEngine, type GraphsBy } from './setup.ts';

export type Trial = {
  updates: number;
  /** Resident bytes of the process at its fullest moment, an evaluation and the copy that is made to save a checkpoint included. */
  peak: number;
  /** Seconds that an average update, an evaluation and the whole run would take. Loading, saving and checkpoints are not in it. */
  update: number;
  evaluation: number;
  total: number;
};

/** Some batches of a section. making: seconds that one takes, on average */
export type Looked = Section & { looks: Look[]; making: number };

/** Timed updates of a trial at least, and of each section; it ends earlier after so many seconds. */
const UPDATES = 4, EACH = 2, SECONDS = 60;

type Setup = { recipe: Recipe; model: TrainModel; source: RunData; graphs: GraphsBy; sections: readonly Looked[]; held?: Look; /** Makes a batch that can be made. */ batchOf(set: 'train' | 'eval', index: number): Promise<Batch> };

/** Updates of every section, the largest batch first, and an evaluation's batch. @returns also the seconds of an update of each section */
export async function tryOut({ recipe, model, source, graphs, sections, held, batchOf }: Setup): Promise<{ trial: Trial; seconds: number[] }> {
  const { micro } = source;
  await using runtime = await Runtime.create({ threads: recipe.threads });
  const engine = await startEngine(runtime, recipe, source, graphs, freshState(model));
  const update = async ({ index }: Look): Promise<number> => {
    const batch = await batchOf('train', index);
    if (model.lora.dropout > 0) batch.feeds[DROPOUT] = dropoutRows(recipe.seed, index, batch.sizes);
    const start = performance.now();
    await engine.update(Array.from({ length: micro }, () => batch), 0);
    return (performance.now() - start) / 1000;
  };
  const work = new Map(sections.flatMap(({ looks }) => looks).map((look) => [look, flopsOf(source, graphs, look.sizes)]));
  const { updates, seconds: computing } = await timeUpdates(sections, (look) => work.get(look)!, update);
  const evaluation = held === undefined ? 0 : source.held * (await evaluationSeconds(engine, () => batchOf('eval', 0)));
  await engine.state(); // as if to save it
  const seconds = sections.map(({ making }, i) => Math.max(computing[i], (micro * making) / source.workers)); // batches are made beside the updates: the slower of the two counts
  const all = sections.reduce((sum, { steps }, i) => sum + steps * seconds[i], 0);
  const evaluations = recipe.eval.every > 0 ? Math.ceil(recipe.steps / recipe.eval.every) : 1;
  return { seconds, trial: { updates, peak: process.resourceUsage().maxRSS * 1024, update: all / recipe.steps, evaluation, total: all + evaluations * evaluation } };
}

/** Seconds that an update of each section takes on average: by those of its own that are timed, as much more or less as the batches looked at are more or less work. A section whose turn did not
 * come goes by the others. @param work operations of a batch's matrix products  @param update does one of such batches and gives its seconds */
export async function timeUpdates(sections: readonly Pick<Looked, 'looks'>[], work: (look: Look) => number, update: (look: Look) => Promise<number>): Promise<{ updates: number; seconds: number[] }> {
  const timed = sections.map(({ looks }) => ({ looks: looks.toSorted((a, b) => work(b) - work(a)), seconds: 0, work: 0 }));
  const total = { seconds: 0, work: 0 };
  const rounds = Math.max(EACH, Math.ceil(UPDATES / sections.length));
  let updates = 0;
  await update(timed.map(({ looks: [largest] }) => largest).toSorted((a, b) => work(b) - work(a))[0]); // memory is taken once
  for (let round = 0; round < rounds; round++)
    for (const section of timed) {
      if (total.seconds >= SECONDS) break;
      const look = section.looks[Math.floor((round * section.looks.length) / rounds)];
      const seconds = await update(look);
      for (const sum of [section, total]) {
        sum.seconds += seconds;
        sum.work += work(look);
      }
      updates++;
    }
  return {
    updates,
    seconds: timed.map((section) => {
      const by = section.work > 0 ? section : total;
      return ((by.seconds / by.work) * section.looks.reduce((sum, look) => sum + work(look), 0)) / section.looks.length;
    }),
  };
}

/** Of one batch, the second time. */
async function evaluationSeconds(engine: TrainEngine, batchOf: () => Promise<Batch>): Promise<number> {
  const batch = await batchOf();
  await engine.evaluate(batch);
  const start = performance.now();
  await engine.evaluate(batch);
  return (performance.now() - start) / 1000;
}
