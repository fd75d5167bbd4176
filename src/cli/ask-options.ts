/** Options that say which model answers, which frames it sees and how it chooses words: shared by ask and plan. */
import { StaveError } from '../errors.ts';
import { boxModel, type AskOptions, type FrameSampling } from '../generate/index.ts';

import { choice, number, string, type Option, type Values } from './command.ts';

export const modelOption: Record<string, Option> = {
  model: { type: 'string', short: 'm', value: 'DIR', help: 'a Qwen2-VL or STAVE checkpoint directory (default: the model in the box)' },
};

export const frameOptions: Record<string, Option> = {
  rule: { type: 'string', value: 'RULE', help: 'which frames: stave, qwen, lmms, count or all (default: what the model was made for)' },
  frames: { type: 'string', value: 'N', help: 'so many frames, evenly spread (the rule "count")' },
  times: { type: 'string', value: 'S,S,…', help: 'the frames at these seconds' },
  fps: { type: 'string', value: 'N', help: 'frames per second for the rules stave and qwen' },
  'max-frames': { type: 'string', value: 'N', help: 'frames at most for the rules stave, qwen and lmms' },
  'max-pixels': { type: 'string', value: 'N', help: 'area of a frame at most, in pixels (default: the model\'s)' },
};

export const textOptions: Record<string, Option> = {
  system: { type: 'string', value: 'TEXT', help: 'the system prompt (default: the model\'s)' },
  'max-tokens': { type: 'string', value: 'N', help: 'length of an answer at most (default 256)' },
  temperature: { type: 'string', value: 'T', help: 'draw words by chance instead of taking the likeliest' },
  'top-k': { type: 'string', value: 'N', help: 'draw from the N likeliest' },
  'top-p': { type: 'string', value: 'P', help: 'draw from the likeliest that make up the share P' },
  'repetition-penalty': { type: 'string', value: 'X', help: 'make words that were said already less likely' },
  seed: { type: 'string', value: 'N', help: 'the same seed draws the same words (default 0)' },
  scope: { type: 'string', value: 'item|all', help: 'let temporal attention see each video by itself (item, default) or all together (all)' },
  threads: { type: 'string', value: 'N', help: 'threads of the engine (default: all cores)' },
};

export const modelDir = (values: Values): string => string(values, 'model') ?? boxModel;

export const threads = (values: Values): number | undefined => number(values, 'threads', { min: 1, max: 1024, integer: true });

/** The library's options from the command line's. @throws USAGE */
export function askOptions(values: Values, signal: AbortSignal): AskOptions & { system?: string } {
  const sampling = frameSampling(values);
  const options: AskOptions & { system?: string } = {
    sampling,
    system: string(values, 'system'),
    max_pixels: number(values, 'max-pixels', { min: 1, integer: true }),
    max_new_tokens: number(values, 'max-tokens', { min: 1, integer: true }),
    temperature: number(values, 'temperature', { min: 0 }),
    top_k: number(values, 'top-k', { min: 0, integer: true }),
    top_p: number(values, 'top-p', { min: 0, max: 1 }),
    repetition_penalty: number(values, 'repetition-penalty', { min: 0.001 }),
    seed: number(values, 'seed', { min: 0, integer: true }),
    temporal_scope: choice(values, 'scope', ['item', 'all']),
    signal,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function frameSampling(values: Values): FrameSampling | undefined {
  const frames = number(values, 'frames', { min: 1, integer: true });
  const times = string(values, 'times')?.split(',').map(Number);
  const fps = number(values, 'fps', { min: 0.001 });
  const max_frames = number(values, 'max-frames', { min: 1, integer: true });
  const rule = choice(values, 'rule', ['stave', 'qwen', 'lmms', 'count', 'all'])
    ?? (frames !== undefined ? 'count' : fps !== undefined || max_frames !== undefined ? 'stave' : undefined);
  if (times !== undefined) {
    if (rule !== undefined) throw new StaveError('USAGE', { what: '--times names the frames already: leave out --rule, --frames, --fps and --max-frames' });
    if (times.some((t) => !Number.isFinite(t))) throw new StaveError('USAGE', { what: `--times must be seconds with commas between, got "${string(values, 'times')}"`, fix: 'for example --times 0,0.5,1' });
    return { rule: 'times', times };
  }
  const given = { frames, fps, max_frames };
  const takes: Record<string, string[]> = { stave: ['fps', 'max_frames'], qwen: ['fps', 'max_frames'], lmms: ['max_frames'], count: ['frames'], all: [] };
  if (rule === undefined) return undefined;
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !takes[rule].includes(name)) throw new StaveError('USAGE', { what: `the rule "${rule}" takes no --${name.replace('_', '-')}` });
  }
  if (rule === 'count') {
    if (frames === undefined) throw new StaveError('USAGE', { what: 'the rule "count" needs --frames N' });
    return { rule, frames };
  }
  return { rule, ...(takes[rule].includes('fps') && fps !== undefined ? { fps } : {}), ...(takes[rule].includes('max_frames') && max_frames !== undefined ? { max_frames } : {}) } as FrameSampling;
}
