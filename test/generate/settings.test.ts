import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFrameSampling, sampleFrames } from '../../src/generate/frame-sampling.ts';
import { resolveSettings, samplingOf } from '../../src/generate/settings.ts';
import { parseGenerationConfig } from '../../src/models/generation-config.ts';

const json = { do_sample: true, temperature: 0.01, top_k: 1, repetition_penalty: 1.05 };
const resolve = (options: object, said: object = json) => resolveSettings(options, parseGenerationConfig(said), said);

test('an option goes before generation_config.json, that before the default, and each says so', () => {
  const settings = resolve({ top_k: 20 });
  assert.deepEqual(settings.top_k, { value: 20, from: 'option' });
  assert.deepEqual(settings.temperature, { value: 0.01, from: 'generation_config.json' });
  assert.deepEqual(settings.max_new_tokens, { value: 256, from: 'default' });
  assert.deepEqual(samplingOf(settings), { temperature: 0.01, top_k: 20, top_p: 1, min_p: 0, repetition_penalty: 1.05, presence_penalty: 0 });
});

test('greedy keeps the penalties alone', () => {
  assert.deepEqual(samplingOf(resolve({ do_sample: false })), { temperature: 0, repetition_penalty: 1.05, presence_penalty: 0 });
  assert.deepEqual(samplingOf(resolve({}, {})), { temperature: 0, repetition_penalty: 1, presence_penalty: 0 });
});

test('asking for a temperature asks for sampling', () => {
  assert.deepEqual(resolve({ temperature: 0.7 }, {}).do_sample, { value: true, from: 'option' });
  assert.deepEqual(resolve({ temperature: 0.7, do_sample: false }, {}).do_sample, { value: false, from: 'option' });
});

test('a value out of range is refused by name', () => {
  for (const options of [{ top_p: 1.5 }, { presence_penalty: '1' }, { max_new_tokens: 0 }, { temperature: Number.NaN }, { top_k: '3' }, { top_k: 1.5 }, { max_new_tokens: 2.5 }, { seed: 0.1 }, { do_sample: 'yes' }]) assert.throws(() => resolve(options), { code: 'USAGE', message: new RegExp(Object.keys(options)[0]) });
});

test('the frame rule of a config file', () => {
  assert.deepEqual(parseFrameSampling({ rule: 'count', frames: 16 }, 'config.json', 'stave.sampling'), { rule: 'count', frames: 16 });
  assert.deepEqual(parseFrameSampling({ rule: 'stave', fps: 2, max_frames: 8 }, 'config.json', 'stave.sampling'), { rule: 'stave', fps: 2, max_frames: 8 });
  assert.throws(() => parseFrameSampling({ rule: 'some' }, 'config.json', 'stave.sampling'), { code: 'MODEL_CONFIG', message: /stave\.sampling\.rule/ });
  assert.deepEqual(parseFrameSampling({ rule: 'count', frames: 16, repeat: true }, 'config.json', 'stave.sampling'), { rule: 'count', frames: 16, repeat: true });
  assert.throws(() => parseFrameSampling({ rule: 'count', frames: 16, repeat: 'yes' }, 'config.json', 'stave.sampling'), { code: 'MODEL_CONFIG', message: /stave\.sampling\.repeat/ });
  assert.throws(() => parseFrameSampling({ rule: 'count' }, 'config.json', 'stave.sampling'), { code: 'MODEL_CONFIG', message: /stave\.sampling\.frames/ });
});

test('rules reach the functions of their name with their numbers', () => {
  const clip = { frames: 100, fps: 10, duration: 10 };
  assert.deepEqual(sampleFrames(clip, { rule: 'count', frames: 3 }).indices, [0, 50, 99]); // 49.5 rounds to even
  assert.deepEqual(sampleFrames(clip, { rule: 'stave', fps: 1, max_frames: 4 }).indices, [0, 10, 20, 30]);
  assert.deepEqual(sampleFrames(clip, { rule: 'qwen', max_frames: 4 }).indices, [0, 33, 66, 99]);
  assert.deepEqual(sampleFrames(clip, { rule: 'times', times: [2.04, 0.5] }).indices, [5, 20]);
  assert.equal(sampleFrames(clip, { rule: 'all' }).indices.length, 100);
});

test('numbers of a rule that cannot be meant are refused by name', () => {
  const clip = { frames: 100, fps: 10, duration: 10 };
  for (const wrong of [{ rule: 'stave', fps: 0 }, { rule: 'stave', fps: 1e12 }, { rule: 'qwen', max_frames: 2.5 }, { rule: 'count', frames: 1e9, repeat: true }, { rule: 'lmms', max_frames: -1 }] as const)
    assert.throws(() => sampleFrames(clip, wrong), { code: 'USAGE', message: new RegExp(`sampling\\.${Object.keys(wrong)[1]} is`) });
});
