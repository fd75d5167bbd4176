import { gatherElements, logSoftmax, type Value } from '../graph/index.ts';

/** Negative log-likelihood of the labels. logits: [L, vocab], labels: [L] int64 → [L] */
export function negativeLogLikelihood(logits: Value, labels: Value): Value {
  const [L] = logits.shape;
  return gatherElements(logSoftmax(logits), labels.reshape([L, 1]), 1).reshape([L]).neg(); // [L]
}

/** Σ weight · nll, a scalar. The weights say what is averaged: per answer, per clip, per micro-batch. */
export function weightedLoss(nll: Value, weights: Value): Value {
  return nll.mul(weights).sum(0);
}
