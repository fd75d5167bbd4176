/** Options that say which model answers, which frames it sees and how it chooses words: shared by ask and plan. */
import { StaveError } from '../errors.ts';
import { boxModel, filePart, type FrameSampling, type MediaPart, type QuestionOptions } from '../generate/index.ts';
import { choice, number, string, type Option, type Values } from './command.ts';

export const modelOption: Record<string, Option> = {
  model: { type: 'string', short: 'm', value: 'MODEL', help: 'a Qwen2-VL, Qwen2.5-VL or STAVE checkpoint: its directory, or the name that it was pulled by (default: the model in the box)' },
};

export const adapterOption: Record<string, Option> = {
  adapter: { type: 'string', value: 'DIR', help: 'a LoRA adapter for the model, as PEFT or stave train saves it' },
};

export const frameOptions: Record<string, Option> = {
  rule: { type: 'string', value: 'RULE', help: 'which frames: stave, qwen, lmms, count or all (default: what the model was made for)' },
  frames: { type: 'string', value: 'N', help: 'so many frames, evenly spread (the rule "count")' },
  repeat: { type: 'boolean', help: 'with --frames: show some frames twice when the clip has fewer' },
  times: { type: 'string', value: 'S,S,…', help: 'the frames at these seconds' },
  fps: { type: 'string', value: 'N', help: 'frames per second for the rules stave and qwen' },
  'max-frames': { type: 'string', value: 'N', help: 'frames at most for the rules stave, qwen and lmms' },
  'max-pixels': { type: 'string', value: 'N', help: 'area of a frame at most, in pixels (default: the model\'s)' },
  partial: { type: 'boolean', help: 'use what can be decoded of a damaged or cut file' },
};

export const textOptions: Record<string, Option> = {
  system: { type: 'string', value: 'TEXT', help: 'the system prompt (default: the model\'s)' },
  'max-tokens': { type: 'string', value: 'N', help: 'length of an answer at most (default 256)' },
  temperature: { type: 'string', value: 'T', help: 'draw words by chance instead of taking the likeliest' },
  'top-k': { type: 'string', value: 'N', help: 'draw from the N likeliest' },
  'top-p': { type: 'string', value: 'P', help: 'draw from the likeliest that make up the share P' },
  'repetition-penalty': { type: 'string', value: 'X', help: 'make words that were said already less likely' },
  'presence-penalty': { type: 'string', value: 'X', help: 'make words that the answer holds already less likely, by X taken from their logits' },
  seed: { type: 'string', value: 'N', help: 'the same seed draws the same words (default 0)' },
  scope: { type: 'string', value: 'item|all', help: 'let temporal attention see each video by itself (item, default) or all together (all)' },
  'time-rounding': { type: 'string', value: 'exact|reference', help: 'Qwen2.5-VL: how seconds become positions; reference drops fractions first, as transformers 4.57 does (default exact)' },
  threads: { type: 'string', value: 'N', help: 'threads of the engine (default: all cores)' },
};

export const reuseOption: Record<string, Option> = {
  reuse: { type: 'string', value: 'MB', help: 'memory for what several questions on one video share (default 512, at most an eighth of the memory)' },
};

export const modelDir = (values: Values): string => string(values, 'model') ?? boxModel;

export const threads = (values: Values): number | undefined => number(values, 'threads', { min: 1, max: 1024, integer: true });

/** An option in MB. @throws USAGE */
export function inBytes(values: Values, name: string): number | undefined {
  const megabytes = number(values, name, { min: 0 });
  return megabytes === undefined ? undefined : megabytes * 1e6;
}

/** The library's options from the command line's. @throws USAGE */
export function askOptions(values: Values, signal: AbortSignal): QuestionOptions {
  return defined({
    sampling: frameSampling(values),
    system: string(values, 'system'),
    max_pixels: number(values, 'max-pixels', { min: 1, integer: true }),
    max_new_tokens: number(values, 'max-tokens', { min: 1, integer: true }),
    temperature: number(values, 'temperature', { min: 0 }),
    top_k: number(values, 'top-k', { min: 0, integer: true }),
    top_p: number(values, 'top-p', { min: 0, max: 1 }),
    repetition_penalty: number(values, 'repetition-penalty', { min: 0.001 }),
    presence_penalty: number(values, 'presence-penalty'),
    seed: number(values, 'seed', { min: 0, integer: true }),
    temporal_scope: choice(values, 'scope', ['item', 'all']),
    time_rounding: choice(values, 'time-rounding', ['exact', 'reference']),
    read: values.partial ? { partial: true } : undefined,
    signal,
  });
}

/** The file that is asked about, as a part of a message. @throws USAGE for a choice of frames where there is one picture; as filePart() does */
export async function askedFile(file: string, { sampling, read, signal }: QuestionOptions): Promise<MediaPart> {
  const part = await filePart(file, { ...read, signal });
  if (part.type === 'image' && sampling !== undefined) throw new StaveError('USAGE', { what: `${file} is a picture: there are no frames to choose`, fix: 'leave out --rule, --frames, --repeat, --times, --fps and --max-frames, or give a video' });
  return part;
}

/** What can be said of each rule. */
const rules = { stave: ['fps', 'max-frames'], qwen: ['fps', 'max-frames'], lmms: ['max-frames'], count: ['frames', 'repeat'], all: [] } as const;

function frameSampling(values: Values): FrameSampling | undefined {
  const given = ['frames', 'repeat', 'fps', 'max-frames'].filter((name) => values[name] !== undefined);
  const named = choice(values, 'rule', Object.keys(rules) as (keyof typeof rules)[]);
  if (values.times !== undefined) {
    if (named !== undefined || given.length > 0) throw new StaveError('USAGE', { what: `--times names the frames already, --${named === undefined ? given[0] : 'rule'} cannot go with it`, fix: 'leave one of them out' });
    return { rule: 'times', times: seconds(string(values, 'times')!) };
  }
  const rule = named ?? (given.some((name) => rules.count.includes(name as 'frames')) ? 'count' : given.length > 0 ? 'stave' : undefined);
  if (rule === undefined) return undefined;
  const surplus = given.find((name) => !(rules[rule] as readonly string[]).includes(name));
  if (surplus !== undefined) throw new StaveError('USAGE', { what: `the rule "${rule}" takes no --${surplus}`, fix: rules[rule].length > 0 ? `it takes ${rules[rule].map((name) => `--${name}`).join(' and ')}` : 'leave it out' });
  const frames = number(values, 'frames', { min: 1, max: 1e6, integer: true });
  if (rule === 'count' && frames === undefined) throw new StaveError('USAGE', { what: 'the rule "count" needs --frames N', fix: 'for example --frames 16' });
  const said = { frames, repeat: values.repeat, fps: number(values, 'fps', { min: 0.001 }), max_frames: number(values, 'max-frames', { min: 1, integer: true }) };
  return { rule, ...defined(said) } as FrameSampling;
}

function seconds(text: string): number[] {
  const times = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (!times.every(Number.isFinite)) throw new StaveError('USAGE', { what: `--times must be seconds with commas between, got "${text}"`, fix: 'for example --times 0,0.5,1' });
  return times;
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
