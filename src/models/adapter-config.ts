/** PEFT's adapter_config.json, read and written. */
import { StaveError } from '../errors.ts';
import { Fields, type JsonObject } from './fields.ts';
import { keyPattern, pattern, type LoraConfig } from './lora.ts';

/** Variants of LoRA that compute something else: refused where they are set. Fields that say how it was trained or started are passed over. */
const variants = [
  'use_dora', 'lora_bias', 'fan_in_fan_out', 'use_qalora', 'alora_invocation_tokens', 'arrow_config', 'kasa_config', 'monteclora_config', 'use_bdlora', 'layer_replication',
  'target_parameters', 'trainable_token_indices', 'ensure_weight_tying',
];

/** Ways to start that leave the base as it is. The others (pissa, olora, corda, …) change its weights, and with them what the adapter is added to. */
const plainStarts: unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal'];

export type AdapterConfig = LoraConfig & { /** Where the base came from, if the file says it. */ base?: string };

/** @param json what JSON.parse gave  @throws ADAPTER naming the field */
export function parseAdapterConfig(json: unknown, file: string): AdapterConfig {
  const f = new Fields(json, file, { code: 'ADAPTER' });
  const type = f.string('peft_type');
  if (type !== 'LORA') f.refuse('peft_type', 'stave knows LoRA adapters', 'train the adapter with a LoraConfig');
  const set = variants.find((name) => f.has(name) && f.json[name] !== false && !isEmpty(f.json[name]));
  if (set !== undefined) f.refuse(set, 'this variant of LoRA is not supported', 'merge it with PEFT (merge_and_unload) and use the merged model');
  if (f.oneOf('bias', ['none', 'all', 'lora_only'], 'none') !== 'none') f.refuse('bias', 'biases that were trained along are not supported', 'merge it with PEFT (merge_and_unload) and use the merged model');
  if (f.has('init_lora_weights') && !plainStarts.includes(f.json.init_lora_weights)) f.refuse('init_lora_weights', 'this start changes the weights of the base', 'convert it with PEFT (save_pretrained with path_initial_model_for_weight_conversion)');
  const config: AdapterConfig = {
    r: f.integer('r', 8),
    alpha: f.number('lora_alpha', 8),
    dropout: f.number('lora_dropout', 0, { min: 0, max: 1 }),
    targets: names(f, 'target_modules'),
    ...(f.has('exclude_modules') && { exclude: names(f, 'exclude_modules') }),
    ...parsePatterns(f),
    ...(f.boolean('use_rslora', false) && { rslora: true }),
    ...(f.has('layers_to_transform') && { layers_to_transform: typeof f.json.layers_to_transform === 'number' ? [f.integer('layers_to_transform', undefined, { min: 0 })] : f.numbers('layers_to_transform', undefined) }),
    ...(f.has('layers_pattern') && { layers_pattern: [names(f, 'layers_pattern')].flat() }),
    modules_to_save: f.list('modules_to_save', isName, 'names of modules', []),
    ...(f.has('base_model_name_or_path') && { base: f.string('base_model_name_or_path') }),
  };
  if (typeof config.targets === 'string') checkPatterns(f, 'target_modules', [config.targets]);
  if (typeof config.exclude === 'string') checkPatterns(f, 'exclude_modules', [config.exclude]);
  checkPatterns(f, 'layers_pattern', config.layers_pattern ?? []);
  return config;
}

/** The file for an adapter. PEFT takes its own defaults for what is not said here. @param base name or path of the model that it belongs to */
export function adapterConfigJson({ r, alpha, dropout, targets, exclude, rank_pattern, alpha_pattern, rslora = false, layers_to_transform, layers_pattern, modules_to_save }: LoraConfig, base: string | null): JsonObject {
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: base,
    inference_mode: true,
    r,
    lora_alpha: alpha,
    lora_dropout: dropout,
    bias: 'none',
    fan_in_fan_out: false,
    init_lora_weights: true,
    target_modules: targets,
    ...(exclude === undefined ? {} : { exclude_modules: exclude }),
    rank_pattern,
    alpha_pattern,
    use_rslora: rslora,
    layers_to_transform: layers_to_transform ?? null,
    layers_pattern: layers_pattern ?? null,
    modules_to_save: modules_to_save.length === 0 ? null : modules_to_save,
  };
}

const isName = (v: unknown): v is string => typeof v === 'string' && v !== '';
const isEmpty = (v: unknown): boolean => Array.isArray(v) && v.length === 0;

function names(f: Fields, name: string): string[] | string {
  return isName(f.json[name]) ? f.string(name) : f.list(name, isName, 'names of layers, or one regular expression');
}

/** rank_pattern and alpha_pattern: regular expression → number; absent: none. */
export function parsePatterns(f: Fields): Pick<LoraConfig, 'rank_pattern' | 'alpha_pattern'> {
  const table = (name: string, fits: (value: unknown) => boolean, kind: string) => {
    const { json } = f.object(name);
    for (const [key, value] of Object.entries(json)) if (!fits(value)) f.refuse(name, `the value of "${key}" is ${JSON.stringify(value)}`, `give ${kind}`);
    checkPatterns(f, name, Object.keys(json), keyPattern);
    return json as Record<string, number>;
  };
  return { rank_pattern: table('rank_pattern', (r) => Number.isInteger(r) && (r as number) >= 1, 'ranks, integers from 1'), alpha_pattern: table('alpha_pattern', Number.isFinite, 'numbers') };
}

/** @throws the fields' error for a regular expression that is none */
export function checkPatterns(f: Fields, field: string, texts: readonly string[], read = pattern): void {
  for (const text of texts) {
    try {
      read(text);
    } catch (error) {
      f.refuse(field, (error as Error).message, 'give names of layers or the ends of names, for example "attn.qkv"');
    }
  }
}

/** Says that an adapter does not fit. */
export function misfit(dir: string, base: string, reasons: readonly string[], fix: string): StaveError {
  const shown = reasons.slice(0, 6);
  return new StaveError('ADAPTER', { what: `the adapter in ${dir} does not fit the model in ${base}`, why: [...shown, ...(reasons.length > shown.length ? [`and ${reasons.length - shown.length} more`] : [])].join('\n'), fix });
}
