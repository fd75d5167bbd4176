import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graph, input, type Tensor } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { adamW, clipFactor, decays, stepInputs, stepValues, type AdamWSettings } from '../../src/train/optimizer.ts';
import { scheduleFactor } from '../../src/train/schedule.ts';

const settings: AdamWSettings = { lr: 0.01, betas: [0.9, 0.98], eps: 1e-8, weight_decay: 0.1, max_grad_norm: 1, decay: 'matrices' };
const f32 = (data: number[], dims = [data.length]): Tensor => ({ dtype: 'float32', dims, data: Float32Array.from(data) });

/** AdamW written out after Loshchilov & Hutter, algorithm 2, in float64. */
function reference(w: number[], gradients: number[][]): number[] {
  const m = w.map(() => 0), v = w.map(() => 0);
  gradients.forEach((g, i) => {
    const t = i + 1;
    const norm = Math.hypot(...g);
    g.forEach((x, k) => {
      const clipped = x * Math.min(1, settings.max_grad_norm / (norm + 1e-6));
      m[k] = 0.9 * m[k] + 0.1 * clipped;
      v[k] = 0.98 * v[k] + 0.02 * clipped ** 2;
      w[k] -= settings.lr * settings.weight_decay * w[k] + (settings.lr * (m[k] / (1 - 0.9 ** t))) / (Math.sqrt(v[k] / (1 - 0.98 ** t)) + settings.eps);
    });
  });
  return w;
}

test('AdamW with clipping follows its definition over ten steps', async () => {
  await using runtime = await Runtime.create({ threads: 1 });
  const [w, g, m, v] = ['w', 'g', 'm', 'v'].map((name) => input(name, 'float32', [4]));
  const { norm, factor } = clipFactor([g], settings.max_grad_norm);
  const next = adamW(w, g.mul(factor), m, v, stepInputs(), settings, true);
  const program = await runtime.compile(graph({ norm, w1: next.w, m1: next.m, v1: next.v }));
  const gradients = Array.from({ length: 10 }, (_, t) => [0.3, -2, 0.001, 1].map((x, k) => x * Math.cos(t * (k + 1))));
  const start = [0.5, -1, 2, 0.1];
  let state = { w: f32(start), m: f32([0, 0, 0, 0]), v: f32([0, 0, 0, 0]) };
  for (const [t, gradient] of gradients.entries()) {
    const scalars = Object.fromEntries(Object.entries(stepValues(settings, settings.lr, t + 1)).map(([name, x]) => [name, f32([x], [])]));
    const out = await program.run({ ...state, g: f32(gradient), ...scalars });
    assert.ok(Math.abs(Number(out.norm.data[0]) - Math.hypot(...gradient)) < 1e-5);
    state = { w: out.w1, m: out.m1, v: out.v1 };
  }
  reference([...start], gradients).forEach((x, k) => assert.ok(Math.abs(Number(state.w.data[k]) - x) < 1e-6, `entry ${k}: ${state.w.data[k]}, expected ${x}`));
});

test('weight decay spares biases, norms and the embedding', () => {
  const spared = ['visual.blocks.0.attn.qkv.bias', 'visual.blocks.3.norm3.weight', 'visual.merger.ln_q.weight', 'model.layers.0.input_layernorm.weight', 'model.norm.weight', 'model.embed_tokens.weight'];
  for (const name of spared) assert.equal(decays(name, 'matrices'), false, name);
  for (const name of ['visual.patch_embed.proj.weight', 'visual.merger.mlp.0.weight', 'lm_head.weight', 'model.layers.0.self_attn.q_proj.weight']) assert.equal(decays(name, 'matrices'), true, name);
  for (const name of spared) assert.equal(decays(name, 'all'), true, name);
});

const factors = (name: 'cosine' | 'linear' | 'constant', floor = 0) => Array.from({ length: 7 }, (_, step) => Number(scheduleFactor({ name, warmup_steps: 2, total_steps: 6, floor }, step).toFixed(6)));

test('schedules: warm-up from zero, then cosine, linear or constant', () => {
  assert.deepEqual(factors('cosine'), [0, 0.5, 1, 0.853553, 0.5, 0.146447, 0]); // 0.853553 = (1 + cos π/4) / 2
  assert.deepEqual(factors('linear'), [0, 0.5, 1, 0.75, 0.5, 0.25, 0]);
  assert.deepEqual(factors('constant'), [0, 0.5, 1, 1, 1, 1, 1]);
  assert.deepEqual(factors('linear', 0.1), [0, 0.5, 1, 0.775, 0.55, 0.325, 0.1]);
});
