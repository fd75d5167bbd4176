/** WebGPU on a software driver, where there is one: SwiftShader, which comes with Debian's chromium, or Mesa's lavapipe. A GPU's driver is not looked for: on a machine with one the self-test speaks. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keptTrial } from '../../src/generate/device/kept-trial.ts';
import { sortOf } from '../../src/generate/device/self-test.ts';
import type { DeviceTrial } from '../../src/generate/device/trial.ts';
import { load } from '../../src/generate/index.ts';
import { openQwen2VL } from '../../src/models/qwen2vl/index.ts';
import { clip, model as dir } from '../cli/run.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-webgpu-'));
process.env.STAVE_CACHE = folder;
after(() => rm(folder, { recursive: true }));

/** Manifests of software drivers; one that the environment names is the only one. */
function drivers(): string[] {
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (named !== undefined) return [named];
  const mesa = '/usr/share/vulkan/icd.d';
  const lavapipe = existsSync(mesa) ? readdirSync(mesa).filter((name) => name.startsWith('lvp_icd')).map((name) => join(mesa, name)) : [];
  return ['/usr/lib/chromium/vk_swiftshader_icd.json', ...lavapipe].filter((file) => existsSync(file));
}

test('the golden model gives the same answer and probabilities on WebGPU as on the processor', async (t) => {
  const model = await openQwen2VL(dir);
  await model.weights.close();
  let trial: DeviceTrial = { result: 'absent', why: 'no software driver for Vulkan is installed' };
  const refused: string[] = [];
  for (const driver of drivers()) {
    process.env.VK_ICD_FILENAMES = driver;
    trial = await keptTrial('webgpu', sortOf(model), { timeout: 1800e3 });
    if (trial.result !== 'absent') break;
    refused.push(`${driver}: ${trial.why}`);
  }
  if (trial.result === 'absent') return t.skip(refused.join('; ') || trial.why);
  assert.deepEqual([trial.result, 'why' in trial && trial.why], ['right', false]);
  await using device = await load(dir, { device: 'webgpu' });
  assert.deepEqual(device.device, { asked: 'webgpu', used: 'webgpu', why: null });
  await using processor = await load(dir);
  const frames = { sampling: { rule: 'count', frames: 4 } } as const;
  const [there, here] = await Promise.all([device, processor].map((model) => model.ask(clip, 'What?', { ...frames, max_new_tokens: 4 }).result()));
  assert.deepEqual(there.token_ids, here.token_ids);
  const [decided, expected] = await Promise.all([device, processor].map((model) => model.decide(clip, 'What?', ['left', 'right', 'up'], frames)));
  for (const [i, { logprob }] of decided.choices.entries()) assert.ok(Math.abs(logprob - expected.choices[i].logprob) < 1e-3, `${logprob}, ${expected.choices[i].logprob}`);
});
