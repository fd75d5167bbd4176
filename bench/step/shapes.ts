/** What the step bench trains: checkpoints of random weights in float32, and recipes for the paper's first stage on one clip a step. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parameterShapes, type Qwen2VLConfig } from '../../src/models/qwen2vl/index.ts';
import { exportModel, preprocessorJson } from '../../src/train/export.ts';
import { newConfig, savedConfig } from '../../src/train/model.ts';
import { parseRecipe, type Recipe } from '../../src/train/recipe.ts';
import { openTokenizer } from '../../src/train/tokenizer.ts';
import { randomWeights } from '../random-weights.ts';

const tokenizer = fileURLToPath(new URL('../../box/tokenizer', import.meta.url));

/** Temporal attention as the authors' code computes it, so that it can run there. */
const temporal = (head_scale: number) => ({ head_scale, order: 'spatial-first', rows: 'patch-major' });

/** `tiny`: the model in the box. `vision-2b`: the vision encoder of Qwen2-VL-2B before two layers of its language model. */
const shapes = {
  tiny: {
    model: {
      hidden_size: 160, intermediate_size: 448, num_hidden_layers: 4, num_attention_heads: 5, num_key_value_heads: 5, rope_scaling: { type: 'mrope', mrope_section: [4, 6, 6] },
      vision_config: { depth: 4, embed_dim: 128, num_heads: 4 }, temporal_attention: temporal(0.5),
    },
    data: { task: 'motion10', frames: 16, min_pixels: 7056, max_pixels: 12544, questions: 1 },
  },
  'vision-2b': {
    model: {
      hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 2, num_attention_heads: 12, num_key_value_heads: 2, rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
      vision_config: { depth: 32, embed_dim: 1280, num_heads: 16 }, temporal_attention: temporal(0.25),
    },
    data: { task: 'motion10', frames: 8, min_pixels: 50176, max_pixels: 75264, questions: 1 },
  },
};
export type StepShape = keyof typeof shapes;
export const stepShapes = Object.keys(shapes) as StepShape[];

/** The first stage from the shape's checkpoint in `folder`, which is made unless it is there. @param out where the run writes  @param extra other fields */
export async function stepRecipe(folder: string, shape: StepShape, out: string, { threads, steps }: { threads: number; steps: number }): Promise<{ recipe: Recipe; json: Record<string, unknown> }> {
  const { model, data } = shapes[shape];
  const init = join(folder, shape);
  const common = { out, data, batch: { clips: 1 }, optimizer: { lr: 1e-4, decay: 'all' }, schedule: { name: 'constant', warmup_steps: 0 }, steps, eval: { clips: 0 }, checkpoint: { every: 0 }, dtype: 'F32', threads };
  if ((await stat(init).catch(() => undefined)) === undefined) await writeCheckpoint(init, parseRecipe({ ...common, tokenizer, model }, folder));
  const json = { ...common, init, trainable: ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'] };
  return { recipe: parseRecipe(json, folder), json };
}

async function writeCheckpoint(directory: string, recipe: Recipe): Promise<void> {
  const config = newConfig(recipe, await openTokenizer(recipe));
  const weight = randomWeights('step');
  await exportModel(directory, {
    config: savedConfig(config, recipe),
    weights: [...parameterShapes(config)].map(([name, shape], i) => [name, { shape, data: async () => weight(name, shape, i * 7919) }]),
    dtype: 'F32',
    tokenizer,
    preprocessors: [{ name: 'preprocessor_config.json', said: preprocessorJson({ min_pixels: recipe.data.min_pixels!, max_pixels: recipe.data.max_pixels! }) }],
    ...ends(config),
  });
}

const ends = ({ eos_token_id, pad_token_id }: Qwen2VLConfig) => ({ eos_token_id, pad_token_id: pad_token_id ?? eos_token_id[0] });

/** @param text names with commas between */
export function wantedShapes(text: string): StepShape[] {
  return text.split(',').map((name) => {
    const shape = stepShapes.find((known) => known === name);
    if (shape === undefined) throw new Error(`--shapes ${text}: give some of ${stepShapes.join(', ')}`);
    return shape;
  });
}
