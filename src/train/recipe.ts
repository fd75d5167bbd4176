import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { Fields } from './fields.ts';
import { questionKinds, type QuestionKind } from '../tasks/index.ts';
import type { AdamWSettings } from './optimizer.ts';
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
  /** Deviation of the normal distribution that new weights are drawn from. */
  init_std: number | 'fan_in';
  /** Patterns of tensor names (`*` = anything); the others stay as they are. */
  trainable: string[];
  data: {
    task: 'motion10';
    frames: number;
    /** Frames are resized to multiples of 28 with an area in between, as the processor does when the model is used. */
    min_pixels: number;
    max_pixels: number;
    /** So many updates at first see frames of this area instead: what moves is learnt on small frames, what it looks like on large ones. */
    small_steps: number;
    small_pixels: [min: number, max: number];
    questions: number;
    /** What is asked at first, for so many updates each, before all is: where several questions compete from the start, each hides the others' faint first signal. */
    curriculum: { steps: number; kinds: QuestionKind[] }[];
    /** Every other clip is the one before it played backwards: pairs that only their order in time tells apart, for half the rendering. */
    pairs: boolean;
    /** Over so many updates the share of clips in their simplest look falls from all to none. */
    plain_steps: number;
    seed: number;
  };
  batch: { clips: number; accumulate: number; /** What the loss averages over: each answer, or each clip's answer tokens */ average: 'answer' | 'clip' };
  optimizer: AdamWSettings;
  schedule: Omit<Schedule, 'total_steps'>;
  steps: number;
  eval: { every: number; clips: number; seed: number };
  checkpoint: { every: number; keep: number };
  /** Type of the saved weights; training is in float32. */
  dtype: 'F32' | 'BF16';
  /** Threads of the engine. */
  threads: number;
};

/** Reads and checks a recipe; relative paths in it are relative to its folder.
 * @throws StaveError RECIPE naming the field, its value and what is allowed; IO when the file can't be read */
export async function loadRecipe(file: string): Promise<Recipe> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read the recipe ${file}`, why: cause.message, fix: 'give the path of a recipe, for example box/recipe.json', cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new StaveError('RECIPE', { what: `${file} is not valid JSON`, why: (cause as Error).message, cause });
  }
  try {
    return parseRecipe(json, dirname(resolve(file)));
  } catch (error) {
    throw error instanceof StaveError && error.code === 'RECIPE' ? new StaveError('RECIPE', { ...error, what: `${file}: ${error.what}`, cause: error }) : error;
  }
}

/** @param base directory that relative paths start from */
export function parseRecipe(json: unknown, base: string): Recipe {
  const root = new Fields(json, '');
  const data = root.child('data'), batch = root.child('batch'), optimizer = root.child('optimizer'), schedule = root.child('schedule'), evaluation = root.child('eval'), checkpoint = root.child('checkpoint');
  const steps = root.integer('steps', { min: 1 });
  const seed = root.integer('seed', { max: 0xffffffff }, 1);
  const init = root.has('init') && root.raw('init') !== null ? resolve(base, root.string('init')) : null;
  const recipe: Recipe = {
    name: root.string('name', 'run'),
    out: resolve(base, root.string('out')),
    seed,
    tokenizer: resolve(base, root.string('tokenizer')),
    init,
    model: parseModel(root, init),
    temporal_init: root.choice('temporal_init', ['normal', 'zero'], 'normal'),
    init_std: root.raw('init_std') === 'fan_in' ? 'fan_in' : root.number('init_std', { min: 0, max: 1 }, 0.02),
    trainable: root.list('trainable', (v): v is string => typeof v === 'string', 'patterns of tensor names, for example "visual.blocks.*.temp_attn.*"', ['*']),
    data: {
      task: data.choice('task', ['motion10']),
      frames: data.integer('frames', { min: 2, max: 256 }, 16),
      min_pixels: data.integer('min_pixels', { min: 784, max: 16_777_216 }, 84 * 112),
      max_pixels: data.integer('max_pixels', { min: 784, max: 16_777_216 }, 84 * 168),
      small_steps: data.integer('small_steps', {}, 0),
      small_pixels: data.list('small_pixels', (v): v is number => Number.isInteger(v) && (v as number) >= 784, 'two areas in pixels, [min, max]', [56 * 56, 56 * 112]) as [number, number],
      curriculum: data.has('curriculum') ? data.list('curriculum', isLesson, 'lessons like {"steps": 300, "kinds": ["action"]}') : [],
      pairs: data.boolean('pairs', false),
      plain_steps: data.integer('plain_steps', {}, 0),
      questions: data.integer('questions', { min: 1, max: 32 }, 4),
      seed: data.integer('seed', { max: 0xffffffff }, seed),
    },
    batch: {
      clips: batch.integer('clips', { min: 1, max: 4096 }, 32),
      accumulate: batch.integer('accumulate', { min: 1, max: 1024 }, 1),
      average: batch.choice('average', ['answer', 'clip'], 'answer'),
    },
    optimizer: parseOptimizer(optimizer),
    schedule: { name: schedule.choice('name', ['cosine', 'linear', 'constant'], 'cosine'), warmup_steps: schedule.integer('warmup_steps', {}, Math.ceil(steps / 20)), floor: schedule.number('floor', { min: 0, max: 1 }, 0) },
    steps,
    eval: { every: evaluation.integer('every', {}, 200), clips: evaluation.integer('clips', {}, 128), seed: evaluation.integer('seed', { max: 0xffffffff }, 1_000_003) },
    checkpoint: { every: checkpoint.integer('every', {}, 200), keep: checkpoint.integer('keep', { min: 1 }, 2) },
    dtype: root.choice('dtype', ['F32', 'BF16'], 'BF16'),
    threads: root.integer('threads', { min: 1, max: 256 }, 2),
  };
  if (recipe.data.frames % 2 !== 0) throw new StaveError('RECIPE', { what: `data.frames is ${recipe.data.frames}`, fix: 'give an even number: the vision encoder takes frames in pairs' });
  if (recipe.data.min_pixels > recipe.data.max_pixels) throw new StaveError('RECIPE', { what: `data.min_pixels is ${recipe.data.min_pixels}, above data.max_pixels = ${recipe.data.max_pixels}`, fix: 'swap them' });
  for (const fields of [root, data, batch, optimizer, schedule, evaluation, checkpoint]) fields.done();
  return recipe;
}

function isLesson(v: unknown): v is { steps: number; kinds: QuestionKind[] } {
  const { steps, kinds } = (v ?? {}) as { steps?: unknown; kinds?: unknown };
  return Number.isInteger(steps) && Number(steps) > 0 && Array.isArray(kinds) && kinds.length > 0 && kinds.every((kind) => (questionKinds as readonly unknown[]).includes(kind));
}

function parseOptimizer(fields: Fields): AdamWSettings {
  const betas = fields.list('betas', (v): v is number => typeof v === 'number' && v >= 0 && v < 1, 'two numbers in [0, 1)', [0.9, 0.999]);
  fields.choice('name', ['AdamW'], 'AdamW');
  const muon = fields.has('muon') ? parseMuon(fields.child('muon')) : undefined;
  return {
    lr: fields.number('lr', { min: 0 }),
    betas: [betas[0], betas[1] ?? 0.999],
    eps: fields.number('eps', { min: 0 }, 1e-8),
    weight_decay: fields.number('weight_decay', { min: 0 }, 0.01),
    max_grad_norm: fields.number('max_grad_norm', { min: 0 }, 1),
    decay: fields.choice('decay', ['all', 'matrices'], 'matrices'),
    ...(muon === undefined ? {} : { muon }),
  };
}

function parseMuon(fields: Fields): NonNullable<AdamWSettings['muon']> {
  const muon = { lr: fields.number('lr', { min: 0 }), momentum: fields.number('momentum', { min: 0, max: 1 }, 0.95) };
  fields.done();
  return muon;
}

/** A new model's config.json fields; their values are checked when the tokenizer is known, see newConfig. */
function parseModel(root: Fields, init: string | null): Record<string, unknown> {
  if (init === null) return new Fields(root.raw('model'), 'model').json;
  if (root.has('model')) throw new StaveError('RECIPE', { what: 'the recipe has both init and model', fix: 'leave out model: the checkpoint has its own config.json' });
  return {};
}
