import { constant, matmul, type Value } from '../graph/index.ts';
import { isEmbedding } from './tensor-names.ts';

/** Muon's settings (Jordan 2024, kellerjordan.github.io/posts/muon): for weight matrices inside the network, in place of AdamW. */
export type MuonSettings = { /** Peak; a step moves a matrix by about this much of its scale. */ lr: number; momentum: number };

/** Which tensors Muon trains: matrices between hidden features. Embeddings, norms and biases stay with AdamW. */
export function isMuons(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && !isEmbedding(name) && !name.endsWith('lm_head.weight');
}

/** The step for a matrix: its momentum with all singular values brought near one, so that directions which the gradient shows only weakly
 * (what a small moving thing is, against what the question says) grow as fast as the strong ones.
 * g: the gradient, m: the momentum, both of w's shape [out, ...in] → the next momentum, and the direction of the step scaled to a unit root mean square per row of √(out/in) */
export function muonStep(g: Value, m: Value, momentum: number): { m: Value; direction: Value } {
  const shape = g.shape.map(Number);
  const rows = shape[0], columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const next = m.mul(momentum).add(g);
  const ahead = next.mul(momentum).add(g); // Nesterov's
  const direction = orthogonalized(ahead.reshape([rows, columns])).mul(Math.sqrt(Math.max(1, rows / columns))); // [out, in]
  return { m: next, direction: direction.reshape(shape) };
}

/** Five steps of a Newton–Schulz iteration (its coefficients trade exactness for speed: singular values end between 0.7 and 1.2). x: [r, c] → [r, c] */
function orthogonalized(x: Value): Value {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  const [rows, columns] = x.shape.map(Number);
  const wide = rows <= columns;
  let y = x.div(x.mul(x).sum().sqrt().add(constant(1e-7, 'float32', [])));
  for (let i = 0; i < 5; i++) {
    const gram = wide ? matmul(y, y, { transB: true }) : matmul(y, y, { transA: true }); // [k, k], k the smaller side
    const polynomial = gram.mul(b).add(matmul(gram, gram, { alpha: c }));
    y = y.mul(a).add(wide ? matmul(polynomial, y) : matmul(y, polynomial));
  }
  return y;
}
