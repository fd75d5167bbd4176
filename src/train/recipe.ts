import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { Fields } from '../models/fields.ts';
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
    throw new StaveError('RECIPE', { what: `${file} is not valid JSON`, why: (cause as Error).message, fix: 'correct it there', cause });
  }
  try {
    return parseRecipe(json, dirname(resolve(file)));
  } catch (error) {
    throw error instanceof StaveError && error.code === 'RECIPE' ? new StaveError('RECIPE', { ...error, what: `${file}: ${error.what}`, cause: error }) : error;
  }
}

/** @param base directory that relative paths start from */
export function parseRecipe(json: unknown, base: string): Recipe {
  const root = new Fields(json, '', { code: 'RECIPE' });
  const data = root.object('data'), batch = root.object('batch'), optimizer = root.object('optimizer'), schedule = root.object('schedule'), evaluation = root.object('eval'), checkpoint = root.object('checkpoint');
  const steps = root.integer('steps');
  const seed = root.integer('seed', 1, SEED);
  const init = root.has('init') ? resolve(base, root.string('init')) : null;
  const recipe: Recipe = {
    name: root.string('name', 'run'),
    out: resolve(base, root.string('out')),
    seed,
    tokenizer: resolve(base, root.string('tokenizer')),
    init,
    model: parseModel(root, init),
    temporal_init: root.oneOf('temporal_init', ['normal', 'zero'], 'normal'),
    init_std: root.has('init_std') && root.json.init_std === 'fan_in' ? 'fan_in' : root.number('init_std', 0.02, { min: 0, max: 1 }),
    trainable: root.list('trainable', (v): v is string => typeof v === 'string', 'patterns of tensor names, for example "visual.blocks.*.temp_attn.*"', ['*']),
    data: {
      task: data.oneOf('task', ['motion10']),
      frames: data.integer('frames', 16, { min: 2, max: 256 }),
      min_pixels: data.integer('min_pixels', 84 * 112, AREA),
      max_pixels: data.integer('max_pixels', 84 * 168, AREA),
      small_steps: data.integer('small_steps', 0, { min: 0 }),
      small_pixels: data.numbers('small_pixels', 2, [56 * 56, 56 * 112]) as [number, number],
      curriculum: data.list('curriculum', isLesson, 'lessons like {"steps": 300, "kinds": ["action"]}', []),
      pairs: data.boolean('pairs', false),
      plain_steps: data.integer('plain_steps', 0, { min: 0 }),
      questions: data.integer('questions', 4, { max: 32 }),
      seed: data.integer('seed', seed, SEED),
    },
    batch: {
      clips: batch.integer('clips', 32, { max: 4096 }),
      accumulate: batch.integer('accumulate', 1, { max: 1024 }),
      average: batch.oneOf('average', ['answer', 'clip'], 'answer'),
    },
    optimizer: parseOptimizer(optimizer),
    schedule: { name: schedule.oneOf('name', ['cosine', 'linear', 'constant'], 'cosine'), warmup_steps: schedule.integer('warmup_steps', Math.ceil(steps / 20), { min: 0 }), floor: schedule.number('floor', 0, { min: 0, max: 1 }) },
    steps,
    eval: { every: evaluation.integer('every', 200, { min: 0 }), clips: evaluation.integer('clips', 128, { min: 0 }), seed: evaluation.integer('seed', 1_000_003, SEED) },
    checkpoint: { every: checkpoint.integer('every', 200, { min: 0 }), keep: checkpoint.integer('keep', 2) },
    dtype: root.oneOf('dtype', ['F32', 'BF16'], 'BF16'),
    threads: root.integer('threads', 2, { max: 256 }),
  };
  const { frames, min_pixels, max_pixels, small_pixels: [least, most] } = recipe.data;
  if (frames % 2 !== 0) data.refuse('frames', 'the vision encoder takes frames in pairs', 'give an even number');
  if (min_pixels > max_pixels) data.refuse('min_pixels', `it is above data.max_pixels, ${max_pixels}`, 'swap them');
  if (!(Number.isInteger(least) && Number.isInteger(most) && least >= AREA.min && least <= most)) data.refuse('small_pixels', undefined, `give two areas in pixels, [min, max], from ${AREA.min}`);
  for (const fields of [root, data, batch, optimizer, schedule, evaluation, checkpoint]) fields.done();
  return recipe;
}

const SEED = { min: 0, max: 0xffffffff };
const AREA = { min: 784, max: 16_777_216 };

function isLesson(v: unknown): v is { steps: number; kinds: QuestionKind[] } {
  const { steps, kinds } = (v ?? {}) as { steps?: unknown; kinds?: unknown };
  return Number.isInteger(steps) && Number(steps) > 0 && Array.isArray(kinds) && kinds.length > 0 && kinds.every((kind) => (questionKinds as readonly unknown[]).includes(kind));
}

function parseOptimizer(fields: Fields): AdamWSettings {
  const betas = fields.numbers('betas', 2, [0.9, 0.999]) as [number, number];
  if (!betas.every((beta) => beta >= 0 && beta < 1)) fields.refuse('betas', undefined, 'give two numbers in [0, 1)');
  fields.oneOf('name', ['AdamW'], 'AdamW');
  const muon = fields.has('muon') ? parseMuon(fields.object('muon')) : undefined;
  return {
    lr: fields.number('lr', undefined, { min: 0 }),
    betas,
    eps: fields.number('eps', 1e-8, { min: 0 }),
    weight_decay: fields.number('weight_decay', 0.01, { min: 0 }),
    max_grad_norm: fields.number('max_grad_norm', 1, { min: 0 }),
    decay: fields.oneOf('decay', ['all', 'matrices'], 'matrices'),
    ...(muon === undefined ? {} : { muon }),
  };
}

function parseMuon(fields: Fields): NonNullable<AdamWSettings['muon']> {
  const muon = { lr: fields.number('lr', undefined, { min: 0 }), momentum: fields.number('momentum', 0.95, { min: 0, max: 1 }) };
  fields.done();
  return muon;
}

/** A new model's config.json fields; their values are checked when the tokenizer is known, see newConfig. */
function parseModel(root: Fields, init: string | null): Record<string, unknown> {
  const given = root.has('model');
  if (init === null) return given ? root.object('model').json : root.refuse('model', 'without init a new model is made', 'give its config.json fields, { … }');
  // a run's own recipe.json says {} there
  if (given && Object.keys(root.object('model').json).length > 0) throw new StaveError('RECIPE', { what: 'the recipe has both init and model', fix: 'leave out model: the checkpoint has its own config.json' });
  return {};
}
