import { Fields } from './fields.ts';

/** generation_config.json, with the defaults of transformers' GenerationConfig for what it does not say. */
export type GenerationConfig = {
  /** Any of these ends an answer. */
  eos_token_id: number[];
  bos_token_id?: number;
  pad_token_id?: number;
  /** false: greedy, and temperature, top_k, top_p, min_p are not used. */
  do_sample: boolean;
  temperature: number;
  top_k: number; // 0: no limit
  top_p: number; // 1: no limit
  min_p?: number;
  repetition_penalty: number; // 1: none
  max_new_tokens?: number;
};

/** @param json what JSON.parse gave; undefined when the checkpoint has no such file
 * @param fallback token ids of config.json, used where the file names none: an answer ends with its end token or a pad, as Qwen's own files have it  @throws MODEL_CONFIG */
export function parseGenerationConfig(json: unknown, fallback: { eos_token_id?: number[]; bos_token_id?: number; pad_token_id?: number } = {}, file = 'generation_config.json'): GenerationConfig {
  const f = new Fields(json ?? {}, file);
  const optional = (name: 'bos_token_id' | 'pad_token_id') => (f.has(name) ? f.integer(name, undefined, { min: 0 }) : fallback[name]);
  return {
    eos_token_id: f.has('eos_token_id') ? f.ids('eos_token_id') : ends(fallback),
    bos_token_id: optional('bos_token_id'),
    pad_token_id: optional('pad_token_id'),
    do_sample: f.boolean('do_sample', false),
    temperature: f.number('temperature', 1, { min: 0 }),
    top_k: f.integer('top_k', 50, { min: 0 }),
    top_p: f.number('top_p', 1, { min: 0, max: 1 }),
    min_p: f.has('min_p') ? f.number('min_p', undefined, { min: 0, max: 1 }) : undefined,
    repetition_penalty: f.positive('repetition_penalty', 1),
    max_new_tokens: f.has('max_new_tokens') ? f.integer('max_new_tokens') : undefined,
  };
}

function ends({ eos_token_id = [], pad_token_id }: { eos_token_id?: number[]; pad_token_id?: number }): number[] {
  return [...new Set([...eos_token_id, ...(pad_token_id === undefined ? [] : [pad_token_id])])];
}
