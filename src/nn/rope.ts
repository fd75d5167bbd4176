import { constant, matmul, type Value } from '../graph/index.ts';

/** Tables of a rotary embedding, [.., positions, d]; the second half of d repeats the first. */
export type Rope = { cos: Value; sin: Value };

/** Rotates the pairs (x[i], x[i + d/2]) by the angle of their position: x cos + rotateHalf(x) sin. x: [.., positions, d]; the tables broadcast. arXiv:2104.09864 */
export function applyRope(x: Value, { cos, sin }: Rope): Value {
  return x.mul(cos).add(rotateHalf(x).mul(sin));
}

/** [x₁ x₂] → [−x₂ x₁]. As a product with a matrix of 0, 1 and −1: exact, and one op where slicing, negating and joining are four, forward and in the gradient. */
function rotateHalf(x: Value): Value {
  return matmul(x, quarterTurn(Number(x.shape.at(-1))));
}

const turns = new Map<number, Value>(); // one constant for all layers

/** [d, d] */
function quarterTurn(d: number): Value {
  const known = turns.get(d);
  if (known !== undefined) return known;
  const half = d / 2;
  const turn = new Float32Array(d * d);
  for (let i = 0; i < half; i++) {
    turn[(i + half) * d + i] = -1;
    turn[i * d + i + half] = 1;
  }
  const value = constant(turn, 'float32', [d, d]);
  turns.set(d, value);
  return value;
}
