import { StaveError } from '../errors.ts';
import type { GenerationConfig } from '../models/generation-config.ts';
import type { Sampling } from './samplers.ts';

/** What a caller may set of how tokens are chosen; named as in generation_config.json. */
export type GenerationOptions = {
  /** Tokens of an answer at most. */
  max_new_tokens?: number;
  /** false: always the likeliest token. Setting temperature, top_k, top_p or min_p turns it on. */
  do_sample?: boolean;
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  presence_penalty?: number;
  /** The same seed gives the same answer. */
  seed?: number;
};

export type Origin = 'option' | 'generation_config.json' | 'preprocessor_config.json' | 'video_preprocessor_config.json' | 'config.json' | 'default';

/** A setting's value and where it came from. */
export type Setting<T> = { value: T; from: Origin };

export type GenerationSettings = { [Name in keyof Required<GenerationOptions>]: Setting<NonNullable<GenerationOptions[Name]>> };

const defaults: Required<GenerationOptions> = { max_new_tokens: 256, do_sample: false, temperature: 1, top_k: 50, top_p: 1, min_p: 0, repetition_penalty: 1, presence_penalty: 0, seed: 0 };

const whole: readonly string[] = ['max_new_tokens', 'top_k', 'seed'] satisfies (keyof GenerationOptions)[];

const ranges: { [Name in keyof GenerationOptions]: [number, number] } = {
  max_new_tokens: [1, 1e6], temperature: [0, 100], top_k: [0, 1e6], top_p: [0, 1], min_p: [0, 1], repetition_penalty: [1e-3, 1e3], presence_penalty: [-100, 100], seed: [0, Number.MAX_SAFE_INTEGER],
};

/** Every setting of an answer: the caller's, else the checkpoint's, else the default. @param said the fields that generation_config.json holds  @throws USAGE naming the option and its range */
export function resolveSettings(options: GenerationOptions, config: GenerationConfig, said: object): GenerationSettings {
  for (const [name, [low, high]] of Object.entries(ranges)) {
    const value = options[name as keyof GenerationOptions];
    if (value === undefined || (typeof value === 'number' && value >= low && value <= high && (Number.isInteger(value) || !whole.includes(name)))) continue;
    throw new StaveError('USAGE', { what: `${name} is ${JSON.stringify(value)}`, fix: `give a ${whole.includes(name) ? 'whole number' : 'number'} from ${low} to ${high}` });
  }
  if (options.do_sample !== undefined && typeof options.do_sample !== 'boolean') throw new StaveError('USAGE', { what: `do_sample is ${JSON.stringify(options.do_sample)}`, fix: 'give true or false' });
  const chosen = (name: keyof GenerationOptions): Setting<number | boolean> => {
    if (options[name] !== undefined) return { value: options[name], from: 'option' };
    const value = (config as GenerationOptions)[name];
    return Object.hasOwn(said, name) && value !== undefined ? { value, from: 'generation_config.json' } : { value: defaults[name], from: 'default' };
  };
  const settings = Object.fromEntries(Object.keys(defaults).map((name) => [name, chosen(name as keyof GenerationOptions)])) as GenerationSettings;
  const asksForSampling = (['temperature', 'top_k', 'top_p', 'min_p'] as const).some((name) => options[name] !== undefined);
  if (options.do_sample === undefined && asksForSampling) settings.do_sample = { value: true, from: 'option' };
  return settings;
}

/** What of the settings the sampler needs. */
export function samplingOf({ do_sample, temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty }: GenerationSettings): Sampling {
  const penalties = { repetition_penalty: repetition_penalty.value, presence_penalty: presence_penalty.value };
  return do_sample.value ? { temperature: temperature.value, top_k: top_k.value, top_p: top_p.value, min_p: min_p.value, ...penalties } : { temperature: 0, ...penalties };
}
