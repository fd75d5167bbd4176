import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { grad, graph, input, type Tensor } from '../../src/graph/index.ts';
import { dropout, linear, Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { assertClose, tensor } from '../close.ts';

const runtime = await Runtime.create({ threads: 1 });
after(() => runtime.dispose());

const [r, I, O, N] = [3, 5, 4, 7];
const scale = 1.5;
const given: Record<string, Tensor> = { x: tensor([N, I]), weight: tensor([O, I]), bias: tensor([O]), A: tensor([r, I]), B: tensor([O, r]) };
const values = Object.fromEntries(Object.entries(given).map(([name, { dims }]) => [name, input(name, 'float32', dims)]));
const data = (name: string) => given[name].data as Float32Array;
const adapted = Params.from((name) => ({ 'fc1.weight': values.weight, 'fc1.bias': values.bias, 'fc2.weight': values.weight })[name], (module) => (module === 'fc1' ? { A: values.A, B: values.B, scale } : undefined));

/** W + scale · B A in loops. */
const merged = Float32Array.from({ length: O * I }, (_, at) => {
  const [o, i] = [Math.floor(at / I), at % I];
  let sum = data('weight')[at];
  for (let k = 0; k < r; k++) sum += scale * data('B')[o * r + k] * data('A')[k * I + i];
  return sum;
});

test('a linear layer with an adapter is the layer with W + scale · B A; the one beside it is left alone', async () => {
  const program = await runtime.compile(graph({ with: linear(adapted.at('fc1'), values.x), without: linear(adapted.at('fc2'), values.x) }));
  const { with: y, without } = await program.run(Object.fromEntries(program.inputs.map(({ name }) => [name, given[name]])));
  const product = (w: Float32Array, bias?: Float32Array) => Float32Array.from({ length: N * O }, (_, at) => w.slice((at % O) * I, ((at % O) + 1) * I).reduce((sum, value, i) => sum + value * data('x')[Math.floor(at / O) * I + i], bias?.[at % O] ?? 0));
  assertClose(y.data as Float32Array, product(merged, data('bias')), 1e-6);
  assertClose(without.data as Float32Array, product(data('weight')), 1e-6);
});

test('its gradients are scale · Bᵀ dW and scale · dW Aᵀ, dW being the gradient of a whole matrix', async () => {
  const y = linear(adapted.at('fc1'), values.x);
  const [dA, dB, dW] = grad(y.mul(y).sum(), [values.A, values.B, values.weight]);
  const program = await runtime.compile(graph({ dA, dB, dW }));
  const out = await program.run(given);
  const g = out.dW.data as Float32Array;
  assertClose(out.dA.data as Float32Array, Float32Array.from({ length: r * I }, (_, at) => Array.from({ length: O }, (_, o) => scale * data('B')[o * r + Math.floor(at / I)] * g[o * I + (at % I)]).reduce((a, b) => a + b)), 1e-5);
  assertClose(out.dB.data as Float32Array, Float32Array.from({ length: O * r }, (_, at) => Array.from({ length: I }, (_, i) => scale * g[Math.floor(at / r) * I + i] * data('A')[(at % r) * I + i]).reduce((a, b) => a + b)), 1e-5);
});

/** Numbers of a generator that has nothing to do with ours. */
function spread(length: number, low: number, high: number, seed: number): Float32Array {
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(seed ^ (seed >>> 13), 0x297a2d39) >>> 0;
    return low + ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 * (high - low);
  });
}

/** 1 where an entry was dropped. */
const gone = (mask: Float32Array, at: number): number => (mask[at] === 0 ? 1 : 0);

test('dropout drops the share it is told, scales the rest, and its choices look independent', async () => {
  const [n, D, rate] = [512, 256, 0.1];
  const y = dropout(input('x', 'float32', ['N', D]), rate, input('rows', 'float32', ['R']), input('columns', 'float32', [D]));
  const program = await runtime.compile(graph({ y }));
  const run = async (seed: number, columns: number) => {
    const rows = spread(n + 5, 256, 1024, seed); // more than needed
    const out = await program.run({ x: { dtype: 'float32', dims: [n, D], data: new Float32Array(n * D).fill(1) }, rows: { dtype: 'float32', dims: [n + 5], data: rows }, columns: { dtype: 'float32', dims: [D], data: spread(D, 1, 2, columns) } });
    return out.y.data as Float32Array;
  };
  const first = await run(1, 7);
  assert.deepEqual([...new Set(first)].toSorted(), [0, Math.fround(1 / (1 - rate))]);
  const share = (chosen: (at: number) => number) => Array.from({ length: n * D }, (_, at) => chosen(at)).reduce((a: number, b) => a + b, 0) / (n * D);
  const near = (actual: number, expected: number, what: string) => assert.ok(Math.abs(actual - expected) < 5 * Math.sqrt(expected / (n * D)), `${what}: ${actual} for ${expected}`);
  near(share((at) => gone(first, at)), rate, 'share');
  for (const step of [1, 2, D, D + 1, 7 * D + 3]) near(share((at) => gone(first, at) * gone(first, (at + step) % (n * D))), rate ** 2, `pairs ${step} apart`);
  near(share((at) => gone(first, at) * gone(first, (at + 3) % (n * D)) * gone(first, (at + 5 * D) % (n * D)) * gone(first, (at + 5 * D + 3) % (n * D))), rate ** 4, 'corners of rectangles'); // rows and columns alone would make the fourth follow from three
  const [otherRows, otherColumns] = [await run(2, 7), await run(1, 8)];
  near(share((at) => gone(first, at) * gone(otherRows, at)), rate ** 2, 'another step');
  near(share((at) => gone(first, at) * gone(otherColumns, at)), rate ** 2, 'another layer');
  assert.deepEqual(await run(1, 7), first);
});
