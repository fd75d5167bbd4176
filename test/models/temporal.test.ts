import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { graph, input, type Tensor, type Value } from '../../src/graph/index.ts';
import { temporalAttention } from '../../src/models/qwen2vl/temporal.ts';
import { timeTables } from '../../src/models/qwen2vl/index.ts';
import { Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { assertClose, tensor } from '../close.ts';

const [T, N, D, H, d] = [3, 4, 8, 2, 4];
const weights: Record<string, Tensor> = { 'qkv.weight': tensor([3 * H * d, D]), 'qkv.bias': tensor([3 * H * d]), 'proj.weight': tensor([D, H * d]), 'proj.bias': tensor([D]) };

const runtime = await Runtime.create({ threads: 1 });
after(() => runtime.dispose());

async function run(x: Tensor, B: number, rows: 'patch-major' | 'frame-major'): Promise<Float32Array> {
  const inputs: Record<string, Value> = Object.fromEntries(Object.entries(weights).map(([name, { dims }]) => [name, input(name, 'float32', dims)]));
  const time = { cos: input('cos', 'float32', ['T', d]), sin: input('sin', 'float32', ['T', d]) };
  const sizes = { B: 'B', T: 'T', N: 'N' };
  const clips = input('x', 'float32', ['B', 'T', 'N', D]);
  const program = await runtime.compile(graph({ y: temporalAttention(Params.from((name) => inputs[name]), clips.reshape(['B*T*N', D]), time, sizes, d, rows) }));
  return (await program.run({ ...weights, ...timeTables(T, d), x: { ...x, dims: [B, T, N, D] } })).y.data as Float32Array;
}

const at = (name: string) => weights[name].data as Float32Array;

const dense = (row: Float32Array, w: Float32Array, b: Float32Array) => Float32Array.from(b, (bias, o) => row.reduce((sum, value, i) => sum + value * w[o * row.length + i], bias));

/** Rotary embedding of one head at time t. */
const turn = (v: Float32Array, t: number) =>
  v.map((value, i) => {
    const angle = t * 10_000 ** ((-2 * (i % (d / 2))) / d);
    return value * Math.cos(angle) + (i < d / 2 ? -v[i + d / 2] : v[i - d / 2]) * Math.sin(angle);
  });

/** One patch position after the other, in plain loops: → [T, N, D], every output at its own patch. */
function byLoops(x: Float32Array): Float32Array {
  const y = new Float32Array(T * N * D);
  for (let n = 0; n < N; n++) {
    const qkv = Array.from({ length: T }, (_, t) => dense(x.slice((t * N + n) * D, (t * N + n + 1) * D), at('qkv.weight'), at('qkv.bias')));
    const part = (t: number, which: number, h: number) => qkv[t].slice((which * H + h) * d, (which * H + h + 1) * d);
    for (let t = 0; t < T; t++) {
      const heads = new Float32Array(H * d);
      for (let h = 0; h < H; h++) {
        const q = turn(part(t, 0, h), t);
        const scores = Array.from({ length: T }, (_, u) => Math.exp(turn(part(u, 1, h), u).reduce((dot, k, i) => dot + k * q[i], 0) / Math.sqrt(d)));
        const total = scores.reduce((a, b) => a + b);
        scores.forEach((score, u) => part(u, 2, h).forEach((v, i) => (heads[h * d + i] += (score / total) * v)));
      }
      y.set(dense(heads, at('proj.weight'), at('proj.bias')), (t * N + n) * D);
    }
  }
  return y;
}

test('frame-major: each patch receives what it gathered over its own frames', async () => {
  const x = tensor([T, N, D]);
  assertClose(await run(x, 1, 'frame-major'), byLoops(x.data as Float32Array), 1e-6);
});

test('patch-major: the same outputs, laid out patch by patch', async () => {
  const x = tensor([T, N, D]);
  const own = byLoops(x.data as Float32Array);
  const moved = new Float32Array(own.length);
  for (let t = 0; t < T; t++) for (let n = 0; n < N; n++) moved.set(own.subarray((t * N + n) * D, (t * N + n + 1) * D), (n * T + t) * D);
  assertClose(await run(x, 1, 'patch-major'), moved, 1e-6);
});

test('clips of a batch do not see each other', async () => {
  const x = tensor([2, T, N, D]);
  for (const rows of ['patch-major', 'frame-major'] as const) {
    const together = await run(x, 2, rows);
    for (const b of [0, 1]) {
      const part = (x.data as Float32Array).slice(b * T * N * D, (b + 1) * T * N * D);
      assertClose(together.subarray(b * T * N * D, (b + 1) * T * N * D), await run({ ...x, data: part }, 1, rows), 1e-6);
    }
  }
  assert.notDeepEqual(await run(x, 2, 'patch-major'), await run(x, 2, 'frame-major'));
});
