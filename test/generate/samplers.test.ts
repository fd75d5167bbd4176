/** Probabilities are compared row by row with transformers' in test/models/processor.test.ts; here are ties, limits and the draw itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/generate/random.ts';
import { candidates, greedy, penalize, sample, type Sampling } from '../../src/generate/samplers.ts';

const logits = Float32Array.of(1, 3, 2, 3, -Infinity, 0);
const kept = (sampling: Sampling, scores = logits) => [...candidates(scores, [], sampling).ids];

test('greedy: the first of equals, as torch.argmax', () => {
  assert.equal(greedy(logits), 1);
  assert.equal(greedy(Float32Array.of(-3)), 0);
  assert.equal(sample(logits, [], { temperature: 0 }, new Random(1)), 1);
});

test('logits that are no numbers are an error, not an answer', () => {
  for (const bad of [Float32Array.of(NaN, NaN), Float32Array.of(-Infinity, -Infinity)]) {
    assert.throws(() => greedy(bad), { code: 'RUNTIME' });
    assert.throws(() => sample(bad, [], {}, new Random(1)), { code: 'RUNTIME' });
  }
});

test('ties: top-k keeps all that equal the k-th, top-p takes the larger id first', () => {
  assert.deepEqual(kept({ top_k: 1 }), [1, 3]);
  assert.deepEqual(kept({ top_k: 3 }), [1, 2, 3]);
  assert.deepEqual(kept({ top_p: 0.1 }), [3]);
  assert.deepEqual(kept({ top_p: 0.5 }), [1, 3]);
});

test('limits: something is always left, nothing impossible comes back', () => {
  assert.deepEqual(kept({ top_p: 0 }), [3]);
  assert.deepEqual(kept({ min_p: 1 }), [1, 3]);
  assert.deepEqual(kept({}), [0, 1, 2, 3, 5]);
  assert.deepEqual(kept({ top_k: 100 }), [0, 1, 2, 3, 5]);
  assert.deepEqual(kept({ temperature: 1e-9 }, Float32Array.of(1, 2)).length, 2);
});

test('a large vocabulary: filters agree with plain definitions', () => {
  const random = new Random(3);
  const scores = Float32Array.from({ length: 20_000 }, () => 3 * Math.log(random.next() / (1 - random.next())));
  const order = [...scores.keys()].toSorted((a, b) => scores[b] - scores[a]);
  const weights = order.map((id) => Math.exp(scores[id] - scores[order[0]]));
  const total = weights.reduce((a, b) => a + b, 0);
  for (const k of [1, 20, 256, 257, 5000]) assert.deepEqual(kept({ top_k: k }, scores), order.slice(0, k).toSorted((a, b) => a - b));
  for (const p of [0.05, 0.5, 0.9, 0.9999]) {
    let count = 0;
    for (let before = 0; before < p * total; count++) before += weights[count];
    assert.deepEqual(kept({ top_p: p }, scores), order.slice(0, count).toSorted((a, b) => a - b));
  }
});

test('repetition penalty: once a token however often it came, over and under 0, ids outside ignored', () => {
  assert.deepEqual([...penalize(Float32Array.of(2, -2, 1), [0, 0, 1, 9], 2)], [1, -4, 1]);
  assert.deepEqual([...logits], [1, 3, 2, 3, -Infinity, 0]);
  assert.equal(penalize(logits, [0], 1), logits);
});

test('presence penalty: taken once from what was said, whatever the prompt holds; before the temperature, and greedily too', () => {
  const scores = Float32Array.of(2, 1, 0.5);
  const { ids, probabilities } = candidates(scores, [0, 1, 2], { presence_penalty: 0.5, temperature: 2 }, [1, 1, 7]);
  const weights = [2, 0.5, 0.5].map((logit) => Math.exp(logit / 2));
  assert.deepEqual([...ids], [0, 1, 2]);
  for (const [i, weight] of weights.entries()) assert.ok(Math.abs(probabilities[i] - weight / weights.reduce((a, b) => a + b)) < 1e-12);
  const greedily = (said: number[]) => [...candidates(scores, [0], { temperature: 0, presence_penalty: 1.25 }, said).ids];
  assert.deepEqual([greedily([]), greedily([0]), greedily([0, 1])], [[0], [1], [0]]);
  assert.deepEqual([...scores], [2, 1, 0.5]);
  assert.deepEqual([...candidates(Float32Array.of(2, 1), [0], { repetition_penalty: 2, presence_penalty: 0.5, temperature: 0 }, [0]).ids], [1]); // 2 / 2 − 0.5 < 1
});

const draw = (seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: 20_000 }, () => sample(Float32Array.of(0, Math.log(2), Math.log(5)), [], {}, random));
};

test('the draw follows the probabilities and the seed', () => {
  const ids = draw(1);
  assert.deepEqual(ids, draw(1));
  assert.notDeepEqual(ids, draw(2));
  for (const [id, p] of [1 / 8, 2 / 8, 5 / 8].entries()) {
    const share = ids.filter((x) => x === id).length / ids.length;
    assert.ok(Math.abs(share - p) < 4 * Math.sqrt((p * (1 - p)) / ids.length), `${id}: ${share}`);
  }
});

test('random: the published sequence of xoshiro128**', () => {
  const random = new Random([1, 2, 3, 4]);
  assert.deepEqual(Array.from({ length: 4 }, () => random.next32()), [11520, 0, 5927040, 70819200]);
});
