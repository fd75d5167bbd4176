/** What a run would take, before it begins: from shapes, and from a few updates on trial that write nothing. */
import { StaveError } from '../errors.ts';
import { availableMemory } from '../generate/machine.ts';
import { isBad, type Batch, type BatchId, type Sizes } from './batch.ts';
import type { DataSource } from './data.ts';
import { estimateMemory, type Look, type TrainMemory } from './memory.ts';
import { startModel } from './model.ts';
import type { Recipe } from './recipe.ts';
import { openRunData, runData, type RunData } from './run-data.ts';
import { sectionsOf, spread } from './sections.ts';
import { countWeights, graphsBy, startData } from './setup.ts';
import { openTokenizer } from './tokenizer.ts';
import { tryOut, type Looked, type Trial } from './trial.ts';

export type TrainPlan = {
  name: string;
  /** Weights in all, and those that are trained, adapters among them. */
  parameters: number;
  trained: number;
  /** Updates, and what one takes on average: clips, and tokens of the language model. */
  steps: number;
  clips: number;
  tokens: number;
  /** The lessons, and what follows them; without lessons the whole run alone. */
  sections: SectionPlan[];
  /** How many batches of the run were made to know that. */
  looked_at: number;
  memory: TrainMemory;
  /** What was seen on trial; absent: there was none. */
  trial?: Trial;
  /** Why there was no trial. */
  no_trial?: string;
};

/** clips, tokens: of an update, on average over the batches looked at. update: seconds of one, as those on trial say */
export type SectionPlan = { name: string; steps: number; clips: number; tokens: number; update?: number };

/** Batches looked at, evenly spread over the run, and of each section at least so many: lessons and files may differ much. */
const LOOKS = 12, EACH = 2;

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
    const { sections, held } = await lookAt(recipe, source, data);
    const looks = sections.flatMap((section) => section.looks);
    const memory = estimateMemory({ graphs, model, source, looks, held });
    const planned = sections.map(({ name, steps, looks: own }): SectionPlan => ({ name, steps, ...perUpdate(own, source.micro) }));
    const average = (of: 'clips' | 'tokens') => planned.reduce((sum, section) => sum + section.steps * section[of], 0) / recipe.steps;
    const plan: TrainPlan = { name: recipe.name, parameters: countWeights(model.tensors), trained: countWeights(model.trained), steps: recipe.steps, clips: average('clips'), tokens: average('tokens'), sections: planned, looked_at: looks.length, memory };
    onPlan?.(plan);
    const free = availableMemory();
    if (!trial) return { ...plan, no_trial: 'none was asked for' };
    if (memory.total > free) return { ...plan, no_trial: `${Math.round(free / 1e6)} MB of memory are free, which is not enough` };
    const tried = await tryOut({ recipe, model, source, graphs, sections, held, batchOf: async (set, index) => (await batchOf(data, { set, index }))! }); // those looked at can be made
    return { ...plan, sections: planned.map((section, i) => ({ ...section, update: tried.seconds[i] })), trial: tried.trial };
  } finally {
    await data.close();
  }
}

function perUpdate(looks: readonly Look[], micro: number): { clips: number; tokens: number } {
  const mean = (of: keyof Sizes) => (micro * looks.reduce((sum, { sizes }) => sum + sizes[of], 0)) / looks.length;
  return { clips: mean('B'), tokens: mean('tokens') };
}

/** undefined: its row cannot be used */
async function batchOf(data: DataSource, id: BatchId): Promise<Batch | undefined> {
  const made = await data.next(id, id.index + 1); // none ahead
  return isBad(made) ? undefined : made;
}

/** Makes some batches of each section. @throws DATA when none can be made */
async function lookAt(recipe: Recipe, source: RunData, data: DataSource): Promise<{ sections: Looked[]; held?: Look }> {
  const look = async (set: 'train' | 'eval', index: number): Promise<Look[]> => {
    const batch = await batchOf(data, { set, index });
    return batch === undefined ? [] : [{ index, sizes: batch.sizes, bytes: Object.values(batch.feeds).reduce((sum, tensor) => sum + tensor.data.byteLength, 0) }];
  };
  await look('train', 0); // the worker has to start first
  const sections: Looked[] = [];
  for (const section of sectionsOf(recipe)) {
    const indices = spread(section, Math.max(EACH, (LOOKS * section.steps) / recipe.steps), source.micro);
    const looks: Look[] = [];
    const start = performance.now();
    for (const index of indices) looks.push(...(await look('train', index)));
    const making = (performance.now() - start) / 1000 / indices.length;
    if (looks.length === 0) throw new StaveError('DATA', { what: `none of ${indices.length} rows looked at can be used`, fix: 'stave data check says what is wrong with them' });
    sections.push({ ...section, looks, making });
  }
  const [held] = source.held > 0 ? await look('eval', 0) : [];
  return { sections, ...(held && { held }) };
}
