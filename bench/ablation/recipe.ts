/** The recipe that all runs share, and what becomes of it in each. */
import { Fields } from '../../src/models/fields.ts';
import type { Changes } from '../../src/train/change.ts';
import { parseStages, type Recipe } from '../../src/train/index.ts';
import { readRecipe } from '../../src/train/recipe.ts';
import type { Run } from './arms.ts';

type Json = Record<string, unknown>;

/** base: folder that relative paths start from */
export type SharedRecipe = { json: Json & { stages: Json[] }; base: string };

/** Fields that each run has for itself. */
const own = ['init', 'model', 'out', 'seed', 'name'];

/** @param model checkpoint that the runs start from  @throws as loadRecipe; RECIPE for one that is not of stages, the last with adapters */
export async function readShared(file: string, model: string, set: Changes = {}): Promise<SharedRecipe> {
  return readRecipe(file, (json, base) => {
    const root = new Fields(json, '', { code: 'RECIPE' });
    for (const name of own) if (root.has(name)) root.refuse(name, 'each run of the ablation has its own', 'leave it out');
    const last = root.objects('stages').at(-1);
    if (last === undefined) return root.refuse('stages', undefined, 'give the stages, for example temporal attention alone, then with adapters');
    if (!last.has('lora')) last.refuse('lora', 'the runs without temporal attention train these adapters', 'give the last stage adapters');
    parseStages({ ...root.json, init: model }, base, 'none'); // all that is wrong is told with its line
    return { json: root.json as SharedRecipe['json'], base };
  }, set);
}

/** The stages of a run. Clips follow from the run's seed and the stage alone: all arms see the same ones, with the same questions.
 * @param init checkpoint that it starts from, temporal attention put in where the arm has it */
export function stagesOf({ json, base }: SharedRecipe, { arm, seed }: Run, { init, out }: { init: string; out: string }): Recipe[] {
  const { stages, ...shared } = arm.temporal ? json : withoutTemporal(json);
  const drawn = stages.map((stage, i) => ({ ...stage, data: { ...((stage.data ?? shared.data) as Json), seed: 1000 * seed + i + 1 } }));
  return parseStages({ ...shared, name: `${arm.name}, seed ${seed}`, seed, init, stages: drawn }, base, out);
}

/** The same training for a model that has no temporal attention: a stage that would train nothing else trains the last one's adapters. */
function withoutTemporal({ stages, ...shared }: SharedRecipe['json']): SharedRecipe['json'] {
  const adapters = stages.at(-1)!.lora;
  const rest = spared(shared);
  const others = stages.map(spared).map((stage): Json => {
    const trainable = (stage.trainable ?? rest.trainable) as string[] | undefined;
    return trainable?.length === 0 && (stage.lora ?? rest.lora) === undefined ? { ...stage, lora: adapters } : stage;
  });
  return { ...rest, stages: others };
}

const keep = (patterns: unknown): string[] => (patterns as string[]).filter((pattern) => !/temp_attn|norm3/.test(pattern));

/** Without patterns that mean temporal attention and its norm. */
function spared(fields: Json): Json {
  const optimizer = fields.optimizer as { groups?: { tensors: string[] }[] } | undefined;
  const groups = optimizer?.groups?.map((group) => ({ ...group, tensors: keep(group.tensors) })).filter(({ tensors }) => tensors.length > 0);
  return { ...fields, ...(fields.trainable !== undefined && { trainable: keep(fields.trainable) }), ...(groups !== undefined && { optimizer: { ...optimizer, groups } }) };
}
