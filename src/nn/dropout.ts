import { greaterOrEqual, type Value } from '../graph/index.ts';

/** Sets entries to zero with the chance `rate` and scales the others by 1 / (1 − rate). A graph draws no numbers of its own, so that a step can be done again:
 * entry (i, j) falls where the fraction of rows[i] · columns[j] is under the rate. With random rows, new ones each step, and random columns, a
 * layer's own, that is as good as chance. x: [n, D], rows: [n or more], in [256, 1024); columns: [D], in [1, 2) → [n, D] */
export function dropout(x: Value, rate: number, rows: Value, columns: Value): Value {
  const [n] = x.shape;
  const product = rows.slice(0, 0, n).reshape([n, 1]).mul(columns); // [n, D]
  const kept = greaterOrEqual(product.sub(product.floor()), rate).cast('float32'); // [n, D]
  return x.mul(kept.mul(1 / (1 - rate)));
}
