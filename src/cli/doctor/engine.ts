/** The engine: loads, and computes what it should. */
import { graph, input, matmul, softmax } from '../../graph/index.ts';
import { Runtime } from '../../runtime/index.ts';
import { checking } from './finding.ts';

/** Enough rows and columns for the blocked kernels, with a rest that fills no vector. */
const N = 67;

export const checkEngine = checking('engine', async (signal) => {
  await using runtime = await Runtime.create();
  const { version, providers } = await runtime.about();
  const name = `onnxruntime ${version}, ${providers.filter(({ bundled }) => bundled).map((p) => p.name).join(' and ')} in the package`;
  const a = Float32Array.from({ length: N * N }, (_, i) => Math.sin(i));
  const x = input('x', 'float32', [N, N]);
  await using program = await runtime.compile(graph({ y: softmax(matmul(x, x), -1) }), { signal });
  const { y } = await program.run({ x: { dtype: 'float32', dims: [N, N], data: a.slice() } }, { signal });
  const expected = softmaxOfSquare(a);
  const off = Math.max(...expected.map((value, i) => Math.abs(value - (y.data as Float32Array)[i])));
  if (!(off < 1e-4)) return { status: 'fail', found: `${name}: a small test is off by ${off}`, fix: 'the engine computes wrong numbers on this processor: report it with this output, and use another machine' };
  return { status: 'ok', found: `${name}; a small test is right to ${off.toExponential(0)}` };
});

/** softmax(a · a) row by row, by the definition. */
function softmaxOfSquare(a: Float32Array): Float64Array {
  const y = new Float64Array(N * N);
  for (let i = 0; i < N; i++) {
    const row = y.subarray(i * N, (i + 1) * N);
    for (let j = 0; j < N; j++) for (let k = 0; k < N; k++) row[j] += a[i * N + k] * a[k * N + j];
    const top = Math.max(...row);
    row.forEach((value, j) => (row[j] = Math.exp(value - top)));
    const sum = row.reduce((s, value) => s + value, 0);
    row.forEach((value, j) => (row[j] = value / sum));
  }
  return y;
}
