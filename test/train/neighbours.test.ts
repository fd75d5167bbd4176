import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spaceTables, timeTables, type Qwen2VLConfig } from '../../src/models/qwen2vl/index.ts';
import type { Tensor } from '../../src/graph/index.ts';
import { lookAtNeighbours } from '../../src/train/neighbours.ts';

const config = { vision_config: { embed_dim: 128, num_heads: 4 } } as Qwen2VLConfig;

/** What head `head` attends to when queries and keys are their biases alone: softmax over positions, from the tables that the model uses. */
function attention(name: string, width: number, head: number, tables: { cos: Tensor; sin: Tensor }): (from: number) => number[] {
  const bias = new Float32Array(3 * width);
  lookAtNeighbours(name, bias, config);
  const rotated = (at: number, position: number): number[] =>
    Array.from({ length: 32 }, (_, i) => {
      const [cos, sin] = [tables.cos, tables.sin].map(({ data }) => (data as Float32Array)[position * 32 + i]);
      return bias[at + i] * cos + (i < 16 ? -bias[at + i + 16] : bias[at + i - 16]) * sin;
    });
  const positions = tables.cos.dims[0];
  return (from) => {
    const q = rotated(head * 32, from);
    const weights = Array.from({ length: positions }, (_, p) => Math.exp(rotated(width + head * 32, p).reduce((sum, k, i) => sum + k * q[i], 0) / Math.sqrt(32)));
    const total = weights.reduce((a, b) => a + b);
    return weights.map((w) => w / total);
  };
}

test('in space each head starts out at one neighbour: above, below, left, right', () => {
  const tables = spaceTables(10, 10, 32, 1); // row by row
  [[-1, 0], [1, 0], [0, -1], [0, 1]].forEach(([down, right], head) => {
    for (const [block, reach] of [[0, 1], [3, 2]]) {
      const weights = attention(`visual.blocks.${block}.attn.qkv.bias`, 128, head, tables)(4 * 10 + 4);
      const wanted = (4 + down * reach) * 10 + 4 + right * reach;
      assert.equal(weights.indexOf(Math.max(...weights)), wanted);
      assert.ok(weights[wanted] > 0.4 && weights[wanted] < 0.6, `${weights[wanted]}`);
    }
  });
});

test('over time one head starts out at the group before, the other at the one after', () => {
  for (const [head, by] of [[0, -1], [1, 1]]) {
    const weights = attention('visual.blocks.2.temp_attn.qkv.bias', 64, head, timeTables(8, 32))(4);
    assert.equal(weights.indexOf(Math.max(...weights)), 4 + by);
    assert.ok(weights[4 + by] > 0.65 && weights[4 + by] < 0.85, `${weights[4 + by]}`);
  }
});

test('other tensors stay as they are', () => {
  for (const name of ['visual.blocks.0.attn.qkv.weight', 'visual.blocks.0.attn.proj.bias', 'model.layers.0.self_attn.q_proj.bias']) {
    const data = new Float32Array(384);
    lookAtNeighbours(name, data, config);
    assert.ok(data.every((x) => x === 0), name);
  }
});
