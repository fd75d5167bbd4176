import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { graph, input, type Tensor } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { ratesOf } from '../../src/train/groups.ts';
import { adamW, clipFactor, stepInputs, stepValues, type AdamWSettings } from '../../src/train/optimizer.ts';
import { scheduleFactor } from '../../src/train/schedule.ts';
import { NEXT, updateOutputs } from '../../src/train/step.ts';

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
  const next = adamW(w, g.mul(factor), m, v, stepInputs(), settings, settings);
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

/** What torch 2.6.0 and transformers 4.46.1 gave: reference/training/optimizer.py. */
type Recorded = { trainer_decays: Record<string, boolean>; tensors: { name: string; shape: number[]; start: number[]; end: number[] }[]; steps: { gradients: number[][]; norm: number; rates: number[] }[] };
const recorded = JSON.parse(await readFile(new URL('../goldens/training/optimizer.json', import.meta.url), 'utf8')) as Recorded;

const decays = (name: string, decay: AdamWSettings['decay']): boolean => ratesOf(name, { ...settings, decay }).weight_decay > 0;

test('weight decay: on all; as transformers\' Trainer; on matrices alone', () => {
  const names = Object.keys(recorded.trainer_decays);
  assert.ok(names.length === 40 && names.every((name) => decays(name, 'all')));
  const others = names.filter((name) => decays(name, 'trainer') !== recorded.trainer_decays[name]);
  assert.deepEqual(others, ['model.layers.0.input_layernorm.weight', 'model.layers.0.post_attention_layernorm.weight', 'model.norm.weight']); // RMS norms, which 4.46.1 does not know for norms; 4.57.1 does
  assert.deepEqual(names.filter((name) => decays(name, 'trainer') !== decays(name, 'matrices')), ['model.embed_tokens.weight']);
});

test('groups have rates and decay of their own, on one schedule, clipped together, as groups of torch.optim.AdamW', async () => {
  const grouped: AdamWSettings = { ...settings, decay: 'trainer', groups: [{ tensors: ['*.lora_A.*'], lr: 0.002, weight_decay: 0.3 }, { tensors: ['visual.blocks.*.temp_attn.*', '*.norm3.*', '*.lora_*'], lr: 0.02 }] };
  const { tensors, steps } = recorded;
  const names = tensors.map(({ name }) => name);
  const values = new Map(tensors.map(({ name, shape }) => [name, input(`param:${name}`, 'float32', shape)]));
  const outputs = updateOutputs(names, values, tensors.map(({ name, shape }) => input(`g:${name}`, 'float32', shape)), grouped);
  await using runtime = await Runtime.create({ threads: 1 });
  const program = await runtime.compile(graph(outputs));
  const kept: Record<string, Tensor> = {};
  for (const { name, shape, start } of tensors) for (const [kind, data] of [['param', start], ['m', start.map(() => 0)], ['v', start.map(() => 0)]] as const) kept[`${kind}:${name}`] = f32(data, shape);
  for (const [step, { gradients, norm, rates }] of steps.entries()) {
    const factor = scheduleFactor({ name: 'cosine', warmup_steps: 2, total_steps: steps.length }, step);
    names.forEach((name, i) => assert.ok(Math.abs(ratesOf(name, grouped).lr * factor - rates[i]) < 1e-12, name));
    const scalars = Object.fromEntries(Object.entries(stepValues(grouped, grouped.lr * factor, step + 1)).map(([name, x]) => [name, f32([x], [])]));
    const out = await program.run({ ...kept, ...scalars, ...Object.fromEntries(tensors.map(({ name, shape }, i) => [`g:${name}`, f32(gradients[i], shape)])) });
    assert.ok(Math.abs(Number(out.grad_norm.data[0]) - norm) < 1e-5 * norm);
    for (const name of Object.keys(kept)) kept[name] = out[`${NEXT}${name}`];
  }
  for (const { name, end } of tensors) end.forEach((x, i) => assert.ok(Math.abs(Number(kept[`param:${name}`].data[i]) - x) < 1e-6, `${name}[${i}]: ${kept[`param:${name}`].data[i]}, recorded ${x}`));
});

const factors = (name: 'cosine' | 'linear' | 'constant', floor = 0) => Array.from({ length: 7 }, (_, step) => Number(scheduleFactor({ name, warmup_steps: 2, total_steps: 6, floor }, step).toFixed(6)));

test('schedules: warm-up from zero, then cosine, linear or constant', () => {
  assert.deepEqual(factors('cosine'), [0, 0.5, 1, 0.853553, 0.5, 0.146447, 0]); // 0.853553 = (1 + cos π/4) / 2
  assert.deepEqual(factors('linear'), [0, 0.5, 1, 0.75, 0.5, 0.25, 0]);
  assert.deepEqual(factors('constant'), [0, 0.5, 1, 1, 1, 1, 1]);
  assert.deepEqual(factors('linear', 0.1), [0, 0.5, 1, 0.775, 0.55, 0.325, 0.1]);
});
