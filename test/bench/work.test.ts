import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointBytes } from '../../bench/shape/checkpoint.ts';
import { shapeConfig, type ShapeName } from '../../bench/shape/shapes.ts';
import { typesOfSetting } from '../../bench/shape/settings.ts';
import { cacheBytes, decodeBytes, decodeWeights, prefillFlops, visionFlops } from '../../bench/shape/work.ts';
import { input } from '../../src/graph/index.ts';
import { languageGraph, parameterShapes, visionGraph } from '../../src/models/qwen2vl/index.ts';
import { Params } from '../../src/nn/index.ts';
import { matmulFlops } from '../../src/train/flops.ts';

/** Bytes that model.safetensors.index.json of the published checkpoints says, all in BF16. */
const published: [ShapeName, number][] = [['qwen2-vl-2b', 4_417_971_200], ['qwen2-vl-7b', 16_582_751_232], ['qwen2.5-vl-3b', 7_509_245_952], ['qwen2.5-vl-7b', 16_584_333_312]];
for (const [name, size] of published) test(`${name} has the published number of weights`, () => assert.equal(checkpointBytes(name, false), size));

const grid: [number, number, number] = [8, 16, 22];

/** The model's graphs, weights being inputs. */
function graphs(name: ShapeName, sta: boolean) {
  const config = shapeConfig(name, sta);
  const inputs = new Map([...parameterShapes(config)].map(([tensor, shape]) => [tensor, input(tensor, 'float32', shape)]));
  const params = Params.from((tensor) => inputs.get(tensor));
  const model = { config, visual: params.at('visual'), language: { model: params.at('model') } };
  return { config, vision: visionGraph(model), language: languageGraph(model) };
}

for (const sta of [false, true])
  test(`operations of qwen2-vl-2b ${sta ? 'with' : 'without'} temporal attention are those of its graphs, less the rotary embeddings'`, () => {
    const { config, vision, language } = graphs('qwen2-vl-2b', sta);
    const [T, h, w] = grid;
    const counted = matmulFlops(vision, { B: 1, T, M: (h * w) / 4 });
    const { depth, embed_dim: D, num_heads } = config.vision_config;
    const d = D / num_heads;
    const rotary = 2 * T * h * w * d * depth * (2 * D + (sta ? 2 * (D / 4) : 0)); // a d × d product for each query and key
    assert.ok(Math.abs(counted - rotary - visionFlops(config, grid)) < 1e-6 * counted, `${counted} ${rotary} ${visionFlops(config, grid)}`);
    const S = 756;
    const prefill = matmulFlops(language, { S, P: 0, V: 704, L: 1 });
    assert.ok(prefillFlops(config, S) < prefill && prefillFlops(config, S) > 0.95 * prefill, `${prefill} ${prefillFlops(config, S)}`); // the graph computes what the mask hides, and rotary embeddings
  });

test('windows leave out what lies outside of them', () => {
  const { config, vision } = graphs('small-windowed', false);
  const windows = { K: 6, W: 64 }; // 16 × 22 patches in windows of 8 × 8, the lower and right ones smaller
  const counted = matmulFlops(vision, { B: 1, T: 8, M: 88, ...windows });
  assert.ok(visionFlops(config, grid) < counted && visionFlops(config, grid) > 0.85 * counted, `${counted} ${visionFlops(config, grid)}`);
});

test('a token reads 1.54 billion weights, and 22 MB of half-precision cache at 756 positions', () => {
  const config = shapeConfig('qwen2-vl-2b', false);
  assert.equal((decodeWeights(config) / 1e9).toFixed(2), '1.54');
  assert.equal((cacheBytes(config, 756) / 2 / 1e6).toFixed(0), '22');
  const perWeight = (weights: string) => decodeBytes(config, typesOfSetting(weights)) / decodeWeights(config);
  assert.equal(perWeight('f32'), 4);
  assert.ok(Math.abs(perWeight('int8') - (1 + 5 / 128)) < 0.001, `${perWeight('int8')}`); // blocks of 128: a scale of 4 bytes and a zero point
  assert.ok(Math.abs(perWeight('language:w8a8') - 1) < 0.01, `${perWeight('language:w8a8')}`); // rows of a thousand and more share a scale of 4 bytes; the head int8
  const head = (config.vocab_size * config.hidden_size) / decodeWeights(config);
  assert.ok(Math.abs(perWeight('int4') - ((1 - head) * (0.5 + 4.5 / 128) + head * (1 + 5 / 128))) < 0.001, `${perWeight('int4')}`);
});
