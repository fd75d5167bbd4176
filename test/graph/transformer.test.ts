/** A small video language model of graph functions alone: its gradients along random directions, at several run-time sizes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  concat, gather, gatherElements, grad, graph, input, layerNormalization, logSoftmax, matmul, quickGelu, rmsNormalization, silu, softmax, split, type Dim, type Value,
} from '../../src/graph/index.ts';
import { floats, ints, Session, sized, uniform, type Feeds } from './evaluate.ts';

const [D, H, d, F, V] = [8, 2, 4, 12, 11];
const eps = 1e-6;

const params: Record<string, Value> = {};
function param(name: string, ...shape: number[]): Value {
  return (params[name] ??= input(name, 'float32', shape));
}

const linear = (x: Value, name: string, out: number, bias = true): Value => {
  const y = matmul(x, param(`${name}.weight`, out, x.shape[x.rank - 1] as number), { transB: true });
  return bias ? y.add(param(`${name}.bias`, out)) : y;
};
const norm = (x: Value, name: string): Value => layerNormalization(x, param(`${name}.weight`, D), param(`${name}.bias`, D), eps);

/** x cos + rotate(x) sin; x: [..., L, d], cos and sin: [L, d] */
function rope(x: Value, cos: Value, sin: Value): Value {
  const [a, b] = split(x, 2, -1);
  return x.mul(cos).add(concat([b.neg(), a], -1).mul(sin));
}

const attend = (q: Value, k: Value, v: Value, bias?: Value): Value => {
  const scores = matmul(q, k, { transB: true, alpha: 1 / Math.sqrt(d) });
  return matmul(softmax(bias ? scores.add(bias) : scores), v);
};

/** Space, then time, then MLP. x: [B*T*N, D] */
function visionBlock(x: Value, space: Value, time: Value): Value {
  const heads = (name: string, perm: number[]): Value[] =>
    split(linear(norm(x, `${name}.norm`), `${name}.qkv`, 3 * D), 3, -1).map((t) => t.reshape(['B', 'T', 'N', H, d]).transpose(perm));
  {
    const [q, k, v] = heads('space', [0, 1, 3, 2, 4]); // [B, T, H, N, d]
    x = x.add(linear(attend(rope(q, space, space), rope(k, space, space), v).transpose([0, 1, 3, 2, 4]).reshape(['B*T*N', D]), 'space.proj', D));
  }
  {
    const [q, k, v] = heads('time', [0, 2, 3, 1, 4]); // [B, N, H, T, d]
    x = x.add(linear(attend(rope(q, time, time), rope(k, time, time), v).transpose([0, 3, 1, 2, 4]).reshape(['B*T*N', D]), 'time.proj', D));
  }
  return x.add(linear(quickGelu(linear(norm(x, 'mlp.norm'), 'fc1', F)), 'fc2', D));
}

/** One decoder layer over text and visual rows, and the loss of the labels. */
function languageLoss(visual: Value, ids: Value, order: Value, bias: Value, labels: Value, weights: Value): Value {
  const table = param('embed', V, D);
  let x = gather(concat([gather(table, ids), visual], 0), order).reshape(['B', 'S', D]);
  const h = rmsNormalization(x, param('norm1', D), eps);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(h, name, D, name !== 'v').reshape(['B', 'S', H, d]).transpose([0, 2, 1, 3]));
  x = x.add(linear(attend(q, k, v, bias).transpose([0, 2, 1, 3]).reshape(['B', 'S', D]), 'o', D, false));
  const m = rmsNormalization(x, param('norm2', D), eps);
  x = x.add(linear(silu(linear(m, 'gate', F, false)).mul(linear(m, 'up', F, false)), 'down', D, false));
  const logits = matmul(x.reshape(['B*S', D]), table, { transB: true }); // tied head: [B*S, V]
  return gatherElements(logSoftmax(logits), labels.unsqueeze(1)).squeeze(1).mul(weights).sum().neg();
}

const shaped = (name: string, ...shape: Dim[]): Value => input(name, 'float32', shape);
const loss = languageLoss(
  visionBlock(shaped('x', 'B*T*N', D), shaped('space', 'N', d), shaped('time', 'T', d)),
  input('ids', 'int64', ['R']), input('order', 'int64', ['B*S']), shaped('bias', 'B', 1, 'S', 'S'), input('labels', 'int64', ['B*S']), shaped('weights', 'B*S'),
);

function feedsFor(sizes: { B: number; T: number; N: number; S: number; R: number }): Feeds {
  const next = uniform(11);
  const { B, T, N, S, R } = sizes;
  const pick = (dims: number[], below: number): Feeds[string] => ints(dims, Array.from({ length: dims[0] }, () => Math.floor(next(0, below))));
  const random = (...dims: number[]): Feeds[string] => floats(dims, () => next(-1, 1));
  return {
    ...Object.fromEntries(Object.entries(params).map(([name, p]) => [name, random(...sized(p.shape, {}))])),
    x: random(B * T * N, D), space: random(N, d), time: random(T, d), ids: pick([R], V), order: pick([B * S], R + B * T * N), labels: pick([B * S], V), weights: random(B * S),
    bias: floats([B, 1, S, S], (i) => (i % S > Math.floor(i / S) % S ? -1e9 : 0)),
  };
}

test('gradients of every parameter equal differences of the loss, at several sizes of one session', async () => {
  const names = Object.keys(params);
  const session = await Session.of(graph({ loss, ...Object.fromEntries(grad(loss, Object.values(params)).map((g, i) => [`d ${names[i]}`, g])) }));
  for (const sizes of [{ B: 2, T: 3, N: 4, S: 5, R: 6 }, { B: 1, T: 1, N: 2, S: 9, R: 3 }, { B: 3, T: 2, N: 1, S: 1, R: 2 }]) {
    const feeds = feedsFor(sizes);
    const gradients = await session.run(feeds);
    const next = uniform(5);
    for (const name of names) {
      const middle = feeds[name];
      const direction = floats(middle.dims, () => next(-1, 1)).data as Float32Array;
      const at = async (h: number): Promise<number> =>
        (await session.run({ ...feeds, [name]: { ...middle, data: (middle.data as Float32Array).map((v, i) => v + h * direction[i]) } })).loss.data[0] as number;
      const h = 4e-3;
      const [p1, m1, p2, m2] = [await at(h), await at(-h), await at(2 * h), await at(-2 * h)];
      const expected = (8 * (p1 - m1) - (p2 - m2)) / (12 * h); // fourth order
      const actual = direction.reduce((sum, u, i) => sum + u * (gradients[`d ${name}`].data[i] as number), 0);
      assert.ok(Math.abs(actual - expected) <= 4e-3 * Math.max(1, Math.abs(expected)), `${name} at ${JSON.stringify(sizes)}: ${actual}, differences ${expected}`);
    }
  }
  await session.release();
});
