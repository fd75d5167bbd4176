/** Does a run take the memory that its plan says? Plans some small recipes, trains each in a process of its own and compares the peak of its resident memory.
 * node bench/training-memory.ts   (Linux; a few minutes, under 1.5 GB) */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRecipe } from '../src/train/index.ts';
import { planTraining } from '../src/train/plan-stages.ts';
import { peakOf } from './peak.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'stave-memory-'));

const model = (hidden: number, intermediate: number, vision: number) => ({
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: 3,
  num_attention_heads: hidden / 32,
  num_key_value_heads: hidden / 32,
  rope_scaling: { type: 'mrope', mrope_section: [8, 4, 4] },
  vision_config: { depth: 4, embed_dim: vision, num_heads: 4 },
  temporal_attention: { head_scale: 0.5, order: 'spatial-first', rows: 'frame-major' },
});
const data = (frames: number) => ({ task: 'motion10', frames, min_pixels: 4704, max_pixels: 9408, questions: 4 });
const shared = { tokenizer: join(root, 'box/tokenizer'), optimizer: { lr: 0.001 }, steps: 8, eval: { every: 4, clips: 8 }, checkpoint: { every: 4 }, dtype: 'F32' };
const temporal = ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'];
const base = { model: undefined, init: join(folder, 'large-weights', 'model') };

const recipes: Record<string, Record<string, unknown>> = {
  'large-weights': { model: model(512, 2048, 256), data: data(4), batch: { clips: 2 } },
  'small': { model: model(64, 128, 64), data: data(4), batch: { clips: 2 } },
  'large-batch': { model: model(128, 256, 128), data: data(16), batch: { clips: 12 } },
  'accumulating': { model: model(128, 256, 128), data: data(8), batch: { clips: 4, accumulate: 4 } },
  'temporal-alone': { ...base, trainable: temporal, data: data(8), batch: { clips: 4 } },
  'with-adapters': { ...base, trainable: temporal, lora: { r: 16, targets: ['attn.qkv', 'q_proj', 'v_proj', 'up_proj'] }, data: data(8), batch: { clips: 4 } },
};
const wanted = process.argv.slice(2);

console.log(`${cpus()[0].model}, Node ${process.version}`);
try {
  for (const [name, changes] of Object.entries(recipes)) {
    if (wanted.length > 0 && !wanted.includes(name) && name !== 'large-weights') continue; // others start from its model
    const json = { ...shared, ...changes, name, out: join(folder, name) };
    const [{ memory, trial }] = await planTraining([parseRecipe(json, folder)]);
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(json));
    const peak = await peakOf(['train', file]);
    const share = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB (${bytes > peak ? '+' : ''}${(100 * (bytes / peak - 1)).toFixed(0)} %)`;
    console.log(`${name.padEnd(16)} run ${(peak / 1e6).toFixed(0)} MB, by shapes ${share(memory.total)}, on trial ${trial === undefined ? '-' : share(trial.peak)}`);
  }
} finally {
  await rm(folder, { recursive: true });
}
