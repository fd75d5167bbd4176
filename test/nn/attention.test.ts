import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { graph, input, type Tensor, type Value } from '../../src/graph/index.ts';
import { applyRope, attention, gatedMlp, linear, Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { assertClose, random, tensor } from '../close.ts';

const runtime = await Runtime.create({ threads: 1 });
after(() => runtime.dispose());

async function evaluate(y: Value, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const program = await runtime.compile(graph({ y }));
  return (await program.run(feeds)).y.data as Float32Array;
}

/** softmax(q kᵀ / √d + bias) v in plain loops; head h of q uses key head floor(h · kv / H). */
function byLoops(q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): Float32Array {
  const [B, H, N, d] = q.dims;
  const [, kv, K] = k.dims;
  const [Q, KEY, V, BIAS] = [q, k, v, bias].map((t) => t?.data as Float32Array);
  const y = new Float32Array(B * H * N * d);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let n = 0; n < N; n++) {
        const head = b * kv + Math.floor((h * kv) / H);
        const row = ((b * H + h) * N + n) * d;
        const scores = Array.from({ length: K }, (_, j) => {
          let dot = 0;
          for (let i = 0; i < d; i++) dot += Q[row + i] * KEY[(head * K + j) * d + i];
          return Math.exp(dot / Math.sqrt(d) + (BIAS === undefined ? 0 : BIAS[(b * N + n) * K + j]));
        });
        const total = scores.reduce((a, c) => a + c);
        for (let i = 0; i < d; i++) y[row + i] = scores.reduce((sum, score, j) => sum + (score / total) * V[(head * K + j) * d + i], 0);
      }
  return y;
}

const axes = (x: Tensor, names: (number | string)[], name: string) => input(name, 'float32', names.map((n, i) => n ?? x.dims[i]));

for (const { title, H, kv, biased } of [
  { title: 'attention', H: 3, kv: 3, biased: false },
  { title: 'attention with a bias', H: 3, kv: 3, biased: true },
  { title: 'grouped-query attention', H: 6, kv: 2, biased: false },
  { title: 'grouped-query attention with a bias', H: 6, kv: 2, biased: true },
])
  test(`${title} equals its definition`, async () => {
    const [q, k, v, bias] = [tensor([2, H, 5, 4]), tensor([2, kv, 7, 4]), tensor([2, kv, 7, 4]), tensor([2, 1, 5, 7])];
    const y = attention(axes(q, ['B', H, 'N', 4], 'q'), axes(k, ['B', kv, 'K', 4], 'k'), axes(v, ['B', kv, 'K', 4], 'v'), biased ? { bias: axes(bias, ['B', 1, 'N', 'K'], 'bias') } : {});
    assertClose(await evaluate(y, { q, k, v, ...(biased && { bias }) }), byLoops(q, k, v, biased ? bias : undefined), 1e-6);
  });

/** Positions [from, to) of the 7 in a [1, 2, 7, 4] tensor. */
const part = (rows: Tensor, from: number, to: number): Tensor => ({
  ...rows,
  dims: [1, 2, to - from, 4],
  data: Float32Array.from([0, 1].flatMap((h) => [...(rows.data as Float32Array).subarray((h * 7 + from) * 4, (h * 7 + to) * 4)])),
});
const kv = (name: string, length: string) => input(name, 'float32', [1, 2, length, 4]);

test('keys and values in two parts give what they give in one, also when the first is empty', async () => {
  for (const P of [0, 3]) {
    const [q, k, v, bias] = [tensor([1, 4, 7 - P, 4]), tensor([1, 2, 7, 4]), tensor([1, 2, 7, 4]), tensor([1, 1, 7 - P, 7])];
    const y = attention(input('q', 'float32', [1, 4, 'S', 4]), [kv('k0', 'P'), kv('k1', 'S')], [kv('v0', 'P'), kv('v1', 'S')], { bias: input('bias', 'float32', [1, 1, 'S', 'P+S']) });
    const feeds = { q, bias, k0: part(k, 0, P), k1: part(k, P, 7), v0: part(v, 0, P), v1: part(v, P, 7) };
    assertClose(await evaluate(y, feeds), byLoops(q, k, v, bias), 1e-6);
  }
});

test('rope turns each pair (i, i + d/2) by its angle', async () => {
  const x = tensor([3, 6]);
  const angles = random(9); // [3, 3]
  const table = (f: (a: number) => number): Tensor => ({ dtype: 'float32', dims: [3, 6], data: Float32Array.from({ length: 18 }, (_, i) => f(angles[Math.floor(i / 6) * 3 + (i % 3)])) });
  const y = await evaluate(applyRope(input('x', 'float32', ['N', 6]), { cos: input('cos', 'float32', ['N', 6]), sin: input('sin', 'float32', ['N', 6]) }), { x, cos: table(Math.cos), sin: table(Math.sin) });
  const X = x.data as Float32Array;
  const expected = new Float32Array(18);
  for (let n = 0; n < 3; n++)
    for (let i = 0; i < 3; i++) {
      const [a, b, angle] = [X[n * 6 + i], X[n * 6 + i + 3], angles[n * 3 + i]];
      expected[n * 6 + i] = a * Math.cos(angle) - b * Math.sin(angle);
      expected[n * 6 + i + 3] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  assertClose(y, expected, 1e-6);
});

test('layers find their tensors by path; a bias is optional', async () => {
  const asked = new Set<string>();
  const values: Record<string, Value> = { 'a.gate_proj.weight': input('g', 'float32', [2, 3]), 'a.up_proj.weight': input('u', 'float32', [2, 3]), 'a.down_proj.weight': input('d', 'float32', [3, 2]), 'b.weight': input('w', 'float32', [2, 3]), 'b.bias': input('bias', 'float32', [2]) };
  const p = Params.from((name) => (asked.add(name), values[name]));
  const x = input('x', 'float32', ['N', 3]);
  assert.deepEqual(linear(p.at('b'), x).shape, ['N', 2]);
  assert.deepEqual(gatedMlp(p.at('a'), x, (y) => y).shape, ['N', 3]);
  assert.equal(p.at('b').has('bias'), true);
  assert.equal(p.at('a').at('up_proj').bias(), undefined);
  assert.throws(() => linear(p.at('c').at(0), x), { code: 'WEIGHT_MISSING', message: /c\.0\.weight/ });
  assert.deepEqual([...asked].filter((name) => !name.includes('.')), []);
});
