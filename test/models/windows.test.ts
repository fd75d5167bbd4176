import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { graph, grad, input, type Tensor, type Value } from '../../src/graph/index.ts';
import { spaceTables, windowTables, type VisionConfig } from '../../src/models/qwen2vl/index.ts';
import { visionBlock, type Windows } from '../../src/models/qwen2vl/vision.ts';
import { Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { assertClose, tensor } from '../close.ts';

const config: VisionConfig = {
  depth: 2, embed_dim: 16, num_heads: 2, out_hidden_size: 16, hidden_act: 'silu', intermediate_size: 12, in_channels: 3, patch_size: 14, spatial_merge_size: 2, temporal_patch_size: 2,
  windowed: { window_size: 84, fullatt_block_indexes: [1], tokens_per_second: 2 }, // 3×3 merged units
};
/** Patches down and across: windows that fit, narrow ones at the edges, a frame smaller than a window. */
const grids = [[12, 6], [8, 10], [6, 14], [2, 4]];

const numbers = ({ data }: Tensor) => Array.from(data as BigInt64Array, Number);

/** Number of the window that each merged unit, numbered row by row, belongs to. */
const windowOf = (h: number, w: number) => Array.from({ length: (h * w) / 4 }, (_, u) => Math.floor(Math.floor(u / (w / 2)) / 3) * Math.ceil(w / 6) + Math.floor((u % (w / 2)) / 3));

test('units go window by window, row by row inside', () => {
  for (const [h, w] of grids) {
    const { window_index, reverse_indices, window_slots, window_places, window_bias } = windowTables(h, w, config);
    const windows = windowOf(h, w);
    const index = windows.map((_, u) => u).toSorted((a, b) => windows[a] - windows[b]); // stable
    assert.deepEqual(numbers(window_index), index);
    assert.deepEqual(index.map((u) => numbers(reverse_indices)[u]), index.map((_, place) => place));
    const [K, W] = window_slots.dims;
    assert.deepEqual([K, window_bias.dims], [Math.max(...windows) + 1, [K, 1, W]]);
    const patches = index.flatMap((u) => Array<number>(4).fill(windows[u])); // the window of each patch, in window order
    assert.deepEqual(numbers(window_places).map((slot) => Math.floor(slot / W)), patches);
    assert.deepEqual(numbers(window_places).map((slot) => numbers(window_slots)[slot]), patches.map((_, place) => place));
    assert.equal((window_bias.data as Float32Array).filter((b) => b === 0).length, h * w);
    assert.equal(W, 4 * Math.max(...Array.from({ length: K }, (_, k) => windows.filter((window) => window === k).length)));
  }
});

const runtime = await Runtime.create({ threads: 1 });
after(() => runtime.dispose());

const shapes = { 'norm1.weight': [16], 'norm2.weight': [16], 'attn.qkv.weight': [48, 16], 'attn.qkv.bias': [48], 'attn.proj.weight': [16, 16], 'attn.proj.bias': [16], 'mlp.gate_proj.weight': [12, 16], 'mlp.up_proj.weight': [12, 16], 'mlp.down_proj.weight': [16, 12] };
const weights = Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, tensor(dims)]));

/** A block and the gradient of its output's square, with windows as the model has them, or a frame's patches in any order and a mask over all pairs. */
async function compiled(windows: Windows | undefined) {
  const inputs: Record<string, Value> = Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, input(name, 'float32', dims)]));
  const x = input('x', 'float32', ['N', 16]);
  const space = { cos: input('cos', 'float32', ['N', 8]), sin: input('sin', 'float32', ['N', 8]) };
  const y = visionBlock(Params.from((name) => inputs[name]), x, space, (x) => x, config, windows);
  const [dx, dqkv] = grad(y.mul(y).sum(), [x, inputs['attn.qkv.weight']]);
  return runtime.compile(graph({ y, dx, dqkv }));
}

const whole = await compiled(undefined);
const inWindows = await compiled({ index: input('window_index', 'int64', ['M']), reverse: input('reverse_indices', 'int64', ['M']), slots: input('window_slots', 'int64', ['K', 'W']), places: input('window_places', 'int64', ['N']), bias: input('window_bias', 'float32', ['K', 1, 'W']) });

test('a block with windows is the block on each window alone, forward and in its gradients', async () => {
  for (const [h, w] of grids) {
    const { window_slots, window_places, window_bias, window_index } = windowTables(h, w, config);
    const N = h * w;
    const rows = (table: Tensor, width: number) => numbers(window_index).flatMap((u) => [...(table.data as Float32Array).subarray(4 * u * width, 4 * (u + 1) * width)]);
    const space = spaceTables(h, w, 8, 2);
    const [cos, sin] = [rows(space.cos, 8), rows(space.sin, 8)].map((data): Tensor => ({ dtype: 'float32', dims: [N, 8], data: Float32Array.from(data) }));
    const x = tensor([N, 16]);
    const actual = await inWindows.run({ ...weights, x, cos, sin, window_slots, window_places, window_bias });
    const parts = { y: [] as number[], dx: [] as number[], dqkv: new Float32Array(48 * 16) };
    const windows = numbers(window_index).flatMap((u) => Array<number>(4).fill(windowOf(h, w)[u]));
    for (let from = 0; from < N; ) {
      const to = windows.lastIndexOf(windows[from]) + 1;
      const part = (t: Tensor, width: number): Tensor => ({ dtype: 'float32', dims: [to - from, width], data: (t.data as Float32Array).slice(from * width, to * width) });
      const own = await whole.run({ ...weights, x: part(x, 16), cos: part(cos, 8), sin: part(sin, 8) });
      parts.y.push(...(own.y.data as Float32Array));
      parts.dx.push(...(own.dx.data as Float32Array));
      (own.dqkv.data as Float32Array).forEach((g, i) => (parts.dqkv[i] += g));
      from = to;
    }
    assertClose(actual.y.data as Float32Array, Float32Array.from(parts.y), 1e-6);
    assertClose(actual.dx.data as Float32Array, Float32Array.from(parts.dx), 1e-5);
    assertClose(actual.dqkv.data as Float32Array, parts.dqkv, 1e-5);
  }
});
