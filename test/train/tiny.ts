/** A model of a few thousand weights and its recipe: runs in a second. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMetrics } from '../../src/train/metrics.ts';
import { parseRecipe, type Recipe } from '../../src/train/recipe.ts';

export const tokenizer = fileURLToPath(new URL('../../box/tokenizer', import.meta.url));

export const tinyJson = {
  out: 'run',
  tokenizer,
  model: {
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    rope_scaling: { type: 'mrope', mrope_section: [4, 2, 2] },
    vision_config: { depth: 2, embed_dim: 32, num_heads: 2 },
    temporal_attention: { head_scale: 0.5, order: 'spatial-first', rows: 'frame-major' },
  },
  data: { task: 'motion10', frames: 4, min_pixels: 3136, max_pixels: 4704, questions: 2 },
  batch: { clips: 2 },
  optimizer: { lr: 0.01 },
  schedule: { warmup_steps: 2 },
  steps: 6,
  eval: { every: 3, clips: 2 },
  checkpoint: { every: 2, keep: 2 },
  threads: 1,
};

/** The recipe in a folder of its own. */
export async function tiny(changes: Record<string, unknown> = {}): Promise<{ recipe: Recipe; [Symbol.asyncDispose](): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'stave-train-'));
  return { recipe: parseRecipe({ ...tinyJson, ...changes }, folder), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** The lines of a run's metrics.jsonl without what time decides. */
export async function untimed(out: string): Promise<Record<string, unknown>[]> {
  return (await readMetrics(join(out, 'metrics.jsonl'))).map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => name !== 'time' && name !== 'seconds')));
}
