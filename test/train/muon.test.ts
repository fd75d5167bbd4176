import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graph, input } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { isMuons, muonStep } from '../../src/train/muon.ts';

/** Rows times rows: a bᵀ. a: [r, n], b: [s, n] → [r, s] */
const product = (a: number[][], b: number[][]) => a.map((x) => b.map((y) => x.reduce((sum, v, i) => sum + v * y[i], 0)));
const transposed = (a: number[][]) => a[0].map((_, j) => a.map((row) => row[j]));
const table = (data: ArrayLike<number>, columns: number) => Array.from({ length: data.length / columns }, (_, i) => Array.from({ length: columns }, (__, j) => data[i * columns + j]));

/** Eigenvalues of a symmetric matrix by Jacobi's rotations. */
function eigenvalues(matrix: number[][]): number[] {
  const a = matrix.map((row) => [...row]);
  const n = a.length;
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        for (let k = 0; k < n; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
      }
  return a.map((row, i) => row[i]);
}

for (const [rows, columns] of [[4, 4], [3, 7], [9, 5]])
  test(`a step of a ${rows}×${columns} matrix keeps the gradient's singular vectors and brings its singular values near one`, async () => {
    await using runtime = await Runtime.create({ threads: 1 });
    const [g, m] = ['g', 'm'].map((name) => input(name, 'float32', [rows, columns]));
    const step = muonStep(g, m, 0.9);
    const program = await runtime.compile(graph({ next: step.m, direction: step.direction }));
    // Singular values from 1 down to about 0.02: what AdamW would leave behind by a factor of fifty.
    const gradient = Array.from({ length: rows * columns }, (_, i) => Math.sin(1 + i * i) + 0.9 * Math.cos(Math.floor(i / columns)));
    const momentum = gradient.map((x) => 0.5 * x);
    const tensor = (data: number[]) => ({ dtype: 'float32' as const, dims: [rows, columns], data: Float32Array.from(data) });
    const out = await program.run({ g: tensor(gradient), m: tensor(momentum) });
    gradient.forEach((x, i) => assert.ok(Math.abs(Number(out.next.data[i]) - 1.45 * x) < 1e-5)); // 0.9 · 0.5 x + x

    const scale = Math.sqrt(Math.max(1, rows / columns));
    const d = table(Array.from(out.direction.data as Float32Array, (x) => x / scale), columns), G = table(gradient, columns);
    const small = rows <= columns ? product(d, d) : product(transposed(d), transposed(d));
    for (const value of eigenvalues(small).map(Math.sqrt)) assert.ok(value > 0.4 && value < 1.25, `singular value ${value}`);
    // d = U f(S) Vᵀ for g = U S Vᵀ, so d gᵀ = U f(S) S Uᵀ is symmetric and has no negative eigenvalue.
    const mixed = rows <= columns ? product(d, G) : product(transposed(d), transposed(G));
    mixed.forEach((row, i) => row.forEach((x, j) => assert.ok(Math.abs(x - mixed[j][i]) < 2e-4, `${i},${j}: ${x} and ${mixed[j][i]}`)));
    assert.ok(Math.min(...eigenvalues(mixed)) > -1e-4);
  });

test('Muon trains matrices between features; embeddings, head, norms and biases stay with AdamW', () => {
  for (const name of ['visual.patch_embed.proj.weight', 'visual.blocks.0.temp_attn.qkv.weight', 'model.layers.0.mlp.up_proj.weight']) assert.equal(isMuons(name, [8, 8]), true, name);
  for (const [name, shape] of [['model.embed_tokens.weight', [8, 8]], ['lm_head.weight', [8, 8]], ['model.norm.weight', [8]], ['visual.blocks.0.attn.qkv.bias', [8]]] as const) assert.equal(isMuons(name, shape), false, name);
});
