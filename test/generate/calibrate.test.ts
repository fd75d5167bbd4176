import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrate, type Judged } from '../../src/generate/index.ts';

/** A decision with these log-probabilities, each of an answer of `tokens` tokens. */
const decision = (logprobs: Record<string, number>, { normalize = 'sum' as 'sum' | 'mean', tokens = 1 } = {}): Judged['decision'] => ({
  normalize,
  choices: Object.entries(logprobs).map(([choice, logprob]) => ({ choice, logprob, probability: NaN, spellings: [{ text: choice, logprob, tokens }] })),
});

/** `right` of `all` decisions for "a" by a margin of `margin` nats are right. */
const judged = (right: number, all: number, margin: number, options = {}): Judged[] =>
  Array.from({ length: all }, (_, i) => ({ decision: decision({ a: -1, b: -1 - margin }, options), truth: i < right ? 'a' : 'b' }));

const spelled = (truth: string): Judged => ({ truth, decision: { normalize: 'sum', choices: [{ choice: 'a', logprob: NaN, probability: NaN, spellings: [{ text: 'a', logprob: -2, tokens: 1 }, { text: 'A', logprob: -2, tokens: 1 }] }, { choice: 'b', logprob: NaN, probability: NaN, spellings: [{ text: 'b', logprob: -2, tokens: 1 }] }] } });

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-4 * Math.abs(b), `${a} is not ${b}`);

test('two choices: the temperature that turns the margin into the odds', () => {
  for (const [right, all, margin] of [[3, 4, 6], [9, 10, 1], [60, 100, 0.1]]) {
    const odds = Math.log(right / (all - right));
    const { temperature, before, after } = calibrate(judged(right, all, margin));
    near(temperature, margin / odds); // σ(margin / T) = right / all
    const share = right / all;
    near(after, -share * Math.log(share) - (1 - share) * Math.log(1 - share)); // the entropy of being right
    near(before, share * Math.log1p(Math.exp(-margin)) + (1 - share) * Math.log1p(Math.exp(margin)));
  }
});

test('mean: margins per token', () => {
  near(calibrate(judged(3, 4, 6, { normalize: 'mean', tokens: 3 })).temperature, 2 / Math.log(3));
});

test('many choices: no temperature nearby is better, and well calibrated ones stay at 1', () => {
  const logprobs = { a: Math.log(0.6), b: Math.log(0.3), c: Math.log(0.1) };
  const examples = Array.from({ length: 10 }, (_, i) => ({ decision: decision(logprobs), truth: i < 6 ? 'a' : i < 9 ? 'b' : 'c' }));
  near(calibrate(examples).temperature, 1);
  const mixed = [...examples, ...judged(3, 4, 6)];
  const { temperature, after } = calibrate(mixed);
  const loss = (T: number) => mixed.reduce((sum, { decision: { choices }, truth }) => sum - Math.log(Math.exp(choices.find(({ choice }) => choice === truth)!.logprob / T) / choices.reduce((all, { logprob }) => all + Math.exp(logprob / T), 0)), 0) / mixed.length;
  near(after, loss(temperature));
  for (const T of [temperature * 0.9, temperature * 1.1]) assert.ok(loss(T) > after);
});

test('spellings of a choice add up', () => {
  near(calibrate([spelled('a'), spelled('a'), spelled('a'), spelled('b')]).temperature, Math.log(2) / Math.log(3));
});

test('what cannot be calibrated', () => {
  assert.throws(() => calibrate([]), { code: 'USAGE' });
  assert.throws(() => calibrate([...judged(1, 2, 1), { decision: decision({ a: -1, b: -2 }), truth: 'c' }]), { code: 'USAGE', message: /^the truth of decision 2 is "c"\nits choices are "a", "b"/ });
  assert.throws(() => calibrate([...judged(1, 1, 1), ...judged(1, 1, 1, { normalize: 'mean' })]), { code: 'USAGE' });
  near(calibrate(judged(2, 2, 1)).temperature, 0.01); // all right: as sure as can be
});
