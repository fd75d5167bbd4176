import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { whyUnread } from '../files/look.ts';
import { Fields, type FieldProblem } from '../models/fields.ts';
import { parseBest, type BestSettings } from './best.ts';
import { changed, type Changes } from './change.ts';
import { decayRules, parseGroup } from './groups.ts';
import { jsonLines } from './json-lines.ts';
import { parseLora, type LoraSettings } from './lora.ts';
import { withFoundModels } from './named-models.ts';
import { checkNewModel } from './new-config.ts';
import type { AdamWSettings } from './optimizer.ts';
import { parseData, SEED, type ConversationData, type Motion10Data } from './recipe-data.ts';
import { RecipeProblems } from './recipe-problems.ts';
import type { Schedule } from './schedule.ts';

/** A training run, complete: with the same recipe and stave version the same weights come out. */
export type Recipe = {
  name: string;
  /** Directory for checkpoints, metrics.jsonl, the log and `model/`. */
  out: string;
  seed: number;
  /** Directory with tokenizer.json and the chat template. */
  tokenizer: string;
  /** Checkpoint directory to start from; null: from scratch with `model`. */
  init: string | null;
  /** config.json fields of a new model (ids of special tokens and vocab_size come from the tokenizer). */
  model: Record<string, unknown>;
  /** How new temporal attention starts: normally distributed, or with its output projection zero. */
  temporal_init: 'normal' | 'zero';
  /** Where new heads of the vision encoder look: anywhere, or each at one neighbour. */
  attention_init: 'free' | 'neighbours';
  /** Deviation of the normal distribution that new weights are drawn from. */
  init_std: number | 'fan_in';
  /** Patterns of tensor names (`*` = anything) that are trained whole; the others stay as they are. */
  trainable: string[];
  /** `block`: a block's values are computed again in the backward pass, from its input, instead of being kept. Absent: they are kept. */
  recompute?: 'block';
  /** Low-rank adapters on linear layers that are not trained whole. Absent: none. */
  lora?: LoraSettings;
  data: Motion10Data | ConversationData;
  batch: { clips: number; accumulate: number; /** What the loss averages over: each answer, or each clip's answer tokens */ average: 'answer' | 'clip' };
  optimizer: AdamWSettings;
  /** Its total_steps are the run's; more, and the run ends before the rate is down. */
  schedule: Schedule;
  steps: number;
  eval: { every: number; clips: number; seed: number };
  checkpoint: { every: number; keep: number };
  /** The best evaluation decides which checkpoint is kept and what becomes the model, and may end the run. Absent: the last step does. */
  best?: BestSettings;
  /** Type of the saved weights; training is in float32. */
  dtype: 'F32' | 'BF16';
  /** Threads of the engine. */
  threads: number;
};

/** Reads and checks a recipe; relative paths in it are relative to its folder.
 * @param set other values for some of its fields  @throws StaveError RECIPE naming the field, its value and what is allowed; IO when the file can't be read; MODEL_MISSING for a model that has not been pulled */
export async function loadRecipe(file: string, set: Changes = {}): Promise<Recipe> {
  return readRecipe(file, parseRecipe, set);
}

/** A recipe file, read and checked by `parse`; its errors say the file. @throws RECIPE, IO */
export async function readRecipe<T>(file: string, parse: (json: unknown, base: string) => T, set: Changes = {}): Promise<T> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read the recipe ${file}`, why: whyUnread(cause), fix: 'give the path of a recipe, for example box/recipe.json', cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new StaveError('RECIPE', { what: `${file} is not valid JSON`, why: (cause as Error).message, fix: 'correct it there', cause });
  }
  try {
    const base = dirname(resolve(file));
    return parse(await withFoundModels(changed(json, set), base), base);
  } catch (error) {
    const changes = Object.keys(set).length === 0 ? '' : ` with ${Object.entries(set).map(([path, value]) => `${path}=${JSON.stringify(value)}`).join(', ')}`;
    if (error instanceof RecipeProblems) throw new RecipeProblems(error.problems, { file, changes, lineOf: lineFinder(text, set) });
    throw error instanceof StaveError && error.code === 'RECIPE' ? new StaveError('RECIPE', { ...error, what: `${file}${changes}: ${error.what}`, cause: error }) : error;
  }
}

/** The line of a field, or of the object that lacks it. A changed field has none: it is not the file's. */
function lineFinder(text: string, set: Changes): (path: string) => number | undefined {
  const lines = jsonLines(text);
  const changedPaths = Object.keys(set).map((path) => path.replaceAll(/\.(\d+)/g, '[$1]'));
  return (path) => (changedPaths.some((changedPath) => path === changedPath || path.startsWith(`${changedPath}.`)) ? undefined : (lines.get(path) ?? lines.get(path.replace(/\.?[^.[]+$/, ''))));
}

/** @param base directory that relative paths start from  @throws RECIPE with all that is wrong */
export function parseRecipe(json: unknown, base: string): Recipe {
  const problems: FieldProblem[] = [];
  const recipe = readFields(new Fields(json, '', { code: 'RECIPE', problems }), base);
  if (problems.length > 0) throw new RecipeProblems(problems);
  return recipe;
}

function readFields(root: Fields, base: string): Recipe {
  if (root.has('stages')) root.refuse('stages', 'this is a recipe of several runs', 'read it with loadStages, run it with trainStages');
  const data = root.object('data'), batch = root.object('batch'), optimizer = root.object('optimizer'), schedule = root.object('schedule'), evaluation = root.object('eval'), checkpoint = root.object('checkpoint');
  const steps = root.integer('steps');
  const seed = root.integer('seed', 1, SEED);
  const init = root.has('init') ? resolve(base, root.string('init')) : null;
  const source = data.attempt(() => parseData(data, base, seed), parseData(new Fields({ task: 'motion10' }, ''), base, seed)), drawn = source.task === 'motion10';
  const lora = root.has('lora') ? root.attempt(() => parseLora(root.object('lora')), undefined) : undefined;
  if (lora && init === null) root.objectTo('lora', 'an adapter belongs to a checkpoint, and without init a new model is made', 'give init, or leave lora out');
  const best = root.has('best') ? parseBest(root.object('best')) : undefined;
  const init_std = root.has('init_std') && root.json.init_std === 'fan_in' ? 'fan_in' : root.number('init_std', 0.02, { min: 0, max: 1 });
  const recipe: Recipe = {
    name: root.string('name', 'run'),
    out: resolve(base, root.string('out')),
    seed,
    tokenizer: root.has('tokenizer') || init === null ? resolve(base, root.string('tokenizer')) : init,
    init,
    model: root.attempt(() => parseModel(root, init, init_std), {}),
    temporal_init: root.oneOf('temporal_init', ['normal', 'zero'], 'normal'),
    attention_init: root.oneOf('attention_init', ['free', 'neighbours'], 'free'),
    init_std,
    trainable: root.list('trainable', (v): v is string => typeof v === 'string', 'patterns of tensor names, for example "visual.blocks.*.temp_attn.*"', lora ? [] : ['*']),
    data: source,
    batch: {
      clips: batch.integer('clips', drawn ? 32 : 1, { max: 4096 }),
      accumulate: batch.integer('accumulate', 1, { max: 1024 }),
      average: batch.oneOf('average', ['answer', 'clip'], drawn ? 'answer' : 'clip'),
    },
    optimizer: parseOptimizer(optimizer),
    schedule: { name: schedule.oneOf('name', ['cosine', 'linear', 'constant'], 'cosine'), warmup_steps: schedule.integer('warmup_steps', Math.ceil(steps / 20), { min: 0 }), floor: schedule.number('floor', 0, { min: 0, max: 1 }), total_steps: schedule.integer('total_steps', steps, { min: steps }) },
    steps,
    eval: { every: evaluation.integer('every', 200, { min: 0 }), clips: evaluation.integer('clips', source.task === 'conversations' && source.eval === null ? 0 : 128, { min: 0 }), seed: evaluation.integer('seed', 1_000_003, SEED) },
    checkpoint: { every: checkpoint.integer('every', 200, { min: 0 }), keep: checkpoint.integer('keep', 2) },
    dtype: root.oneOf('dtype', ['F32', 'BF16'], 'BF16'),
    threads: root.integer('threads', 2, { max: 256 }),
    ...(root.has('recompute') && root.oneOf('recompute', ['none', 'block']) === 'block' && { recompute: 'block' as const }),
    ...(best && { best }),
    ...(lora && { lora }), // last, and only where it is: hashes of older recipes stay
  };
  for (const bound of ['min_pixels', 'max_pixels'] as const) if (init === null && source[bound] === null) data.objectTo(bound, 'a new model says nothing of its frames\' size', 'give data.min_pixels and data.max_pixels');
  if (source.task === 'conversations' && source.eval === null && recipe.eval.clips > 0) evaluation.objectTo('clips', 'there are no held-out conversations', 'give a file of them as data.eval');
  if (best) checkEvaluations(root, evaluation, recipe);
  for (const fields of [root, data, batch, optimizer, schedule, evaluation, checkpoint]) fields.done();
  return recipe;
}

/** What `best` chooses from. */
function checkEvaluations(root: Fields, evaluation: Fields, { data, eval: { every, clips } }: Recipe): void {
  const none = data.task === 'conversations' && data.eval === null;
  if (none || clips === 0) root.objectTo('best', 'nothing is held out to judge by', `give ${none ? 'a file of held-out conversations as data.eval' : 'eval.clips a number over 0'}, or leave out best`);
  if (every === 0 || every >= Number(root.json.steps)) evaluation.objectTo('every', 'best chooses between evaluations, and there would be one alone, at the end', 'give fewer updates than steps, or leave out best');
}

function parseOptimizer(fields: Fields): AdamWSettings {
  const betas = fields.numbers('betas', 2, [0.9, 0.999]) as [number, number];
  if (!betas.every((beta) => beta >= 0 && beta < 1)) fields.objectTo('betas', undefined, 'give two numbers in [0, 1)');
  fields.oneOf('name', ['AdamW'], 'AdamW');
  const muon = fields.has('muon') ? parseMuon(fields.object('muon')) : undefined;
  const lr = fields.number('lr', undefined, { min: 0 });
  const groups = fields.objects('groups').map((group) => parseGroup(group, lr));
  if (muon && groups.some((group) => group.lr !== undefined)) fields.objectTo('groups', 'with muon, which has a rate of another kind, no group can have one', 'leave out lr there, or muon');
  return {
    lr,
    betas,
    eps: fields.number('eps', 1e-8, { min: 0 }),
    weight_decay: fields.number('weight_decay', 0.01, { min: 0 }),
    max_grad_norm: fields.number('max_grad_norm', 1, { min: 0 }),
    decay: fields.oneOf('decay', decayRules, 'matrices'),
    ...(muon && { muon }),
    ...(groups.length > 0 && { groups }),
  };
}

function parseMuon(fields: Fields): NonNullable<AdamWSettings['muon']> {
  const muon = { lr: fields.number('lr', undefined, { min: 0 }), momentum: fields.number('momentum', 0.95, { min: 0, max: 1 }) };
  fields.done();
  return muon;
}

/** A new model's config.json fields. */
function parseModel(root: Fields, init: string | null, init_std: Recipe['init_std']): Record<string, unknown> {
  const given = root.has('model');
  if (init === null && !given) return root.refuse('model', 'without init a new model is made', 'give its config.json fields, { … }');
  if (init === null) {
    const model = root.object('model');
    model.attempt(() => checkNewModel({ model: model.json, init_std }), undefined);
    return model.json;
  }
  // a run's own recipe.json says {} there
  if (given && Object.keys(root.object('model').json).length > 0) throw new StaveError('RECIPE', { what: 'the recipe has both init and model', fix: 'leave out model: the checkpoint has its own config.json' });
  return {};
}
