/** A model with random weights that speaks the box's tokens and ends every answer at once: what it costs is reading videos and prompts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boxModel } from '../../src/generate/index.ts';
import { parameterShapes, parseConfig } from '../../src/models/qwen2vl/index.ts';
import { exportModel, preprocessorJson } from '../../src/train/export.ts';
import { randomWeights } from '../random-weights.ts';

const tokenizer = fileURLToPath(new URL('../../box/tokenizer', import.meta.url));

/** @param layers of the vision encoder and of the language model  @param width of both; heads have 64 of it */
export async function writeRandomModel(directory: string, { layers, width }: { layers: number; width: number }): Promise<void> {
  const box = JSON.parse(await readFile(join(boxModel, 'config.json'), 'utf8')) as { vision_config: object; eos_token_id: number; pad_token_id: number };
  const heads = width / 64;
  const config = {
    ...box, hidden_size: width, intermediate_size: 4 * width, num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: heads, max_position_embeddings: 32768, tie_word_embeddings: false,
    rope_scaling: { type: 'mrope', mrope_section: [8, 12, 12] },
    vision_config: { ...box.vision_config, hidden_size: width, depth: layers, embed_dim: width, num_heads: heads },
    temporal_attention: { head_scale: 0.25 },
  };
  const made = randomWeights('random-model');
  const weights = [...parameterShapes(parseConfig(config))].map(([name, shape]): [string, { shape: number[]; data: () => Promise<Float32Array> }] => [name, { shape, data: async () => answerless(name, made(name, shape), shape[1], box.eos_token_id) }]);
  const preprocessors = [{ name: 'preprocessor_config.json', said: preprocessorJson({ min_pixels: 3136, max_pixels: 1003520 }) }];
  await exportModel(directory, { config, weights, dtype: 'BF16', tokenizer, preprocessors, eos_token_id: [box.eos_token_id], pad_token_id: box.pad_token_id });
}

/** The first number of every token's embedding is so large that it outlasts all layers, and the end of the turn is the one token whose logit it raises. */
function answerless(name: string, data: Float32Array, width: number, end: number): Float32Array {
  if (name === 'lm_head.weight') data.fill(0)[end * width] = 1;
  if (name === 'model.embed_tokens.weight') for (let at = 0; at < data.length; at += width) data[at] = 100;
  return data;
}
