/** How fast does training run, and what share of the machine's fp32 matrix-product rate is that?
 * node bench/training.ts [recipe.json] [steps] [the update to begin at]
 * Of a recipe with stages, the first. */
import { cpus, loadavg } from 'node:os';
import { graph, input, matmul } from '../src/graph/index.ts';
import { textReader } from '../src/models/checkpoint.ts';
import { parsePreprocessorConfig } from '../src/models/qwen2vl/index.ts';
import { Runtime } from '../src/runtime/index.ts';
import { loadChatTemplate, loadTokenizer } from '../src/text/index.ts';
import { trainEngine } from '../src/train/engine.ts';
import { preprocessorJson } from '../src/train/export.ts';
import { matmulFlops } from '../src/train/flops.ts';
import { loadStages } from '../src/train/index.ts';
import { startModel } from '../src/train/model.ts';
import { motion10Batches } from '../src/train/motion10.ts';
import { trainGraphs } from '../src/train/step.ts';
import type { Motion10Data } from '../src/train/recipe-data.ts';

const [file = 'box/recipe.json', count = '8', from = '0'] = process.argv.slice(2);
const [recipe] = await loadStages(file);
const read = textReader(recipe.tokenizer);
const tokenizer = await loadTokenizer(read);
const model = await startModel(recipe, tokenizer);
const make = motion10Batches({ data: recipe.data as Motion10Data, batch: recipe.batch, evaluation: recipe.eval }, model.config, tokenizer, await loadChatTemplate(read));

const rendering = timer();
const batches = Array.from({ length: Number(count) }, (_, i) => make({ set: 'train', index: Number(from) + i }));
const rendered = rendering();

await using runtime = await Runtime.create({ threads: recipe.threads });
const graphs = trainGraphs(model.tensors, model.config, recipe.optimizer, parsePreprocessorConfig(preprocessorJson(recipe.data as Motion10Data)));
const zeros = () => new Map([...model.trained].map(([name, { data }]) => [name, new Float32Array(data.length)]));
const compiling = timer();
const engine = await trainEngine(runtime, graphs, { step: 0, weights: model.trained, m: zeros(), v: zeros() }, recipe.optimizer, 1);
const compiled = compiling();

const peak = await peakRate();
for (const batch of batches) await engine.update([batch], 0); // memory is taken once
const steps: { seconds: number; cpu: number; gflop: number }[] = [];
for (let i = 0; i < Number(count); i++) {
  const step = timer();
  await engine.update([batches[i]], 1e-4);
  steps.push({ ...step(), gflop: matmulFlops(graphs.step, batches[i].sizes) / 1e9 });
}
const mean = (of: (step: (typeof steps)[number]) => number) => steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
const all = { seconds: mean(({ seconds }) => seconds), cpu: mean(({ cpu }) => cpu), gflop: mean(({ gflop }) => gflop) };
const best = steps.reduce((a, b) => (b.gflop / b.seconds > a.gflop / a.seconds ? b : a));
const after = await peakRate();
const top = Math.max(peak, after);
console.log(`${cpus()[0].model}, ${recipe.threads} threads, load ${loadavg()[0].toFixed(1)}, Node ${process.version}`);
console.log(`${file}: ${(([...model.trained.values()].reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0)) / 1e6).toFixed(2)} M parameters, updates ${Number(from) + 1} to ${Number(from) + batches.length}, sizes of the first ${JSON.stringify(batches[0].sizes)}, ${graphs.step.nodes.length} nodes compiled in ${compiled.seconds.toFixed(1)} s`);
console.log(`peak of a 2048³ product: ${top.toFixed(0)} GFLOP/s`);
for (const [name, { seconds, cpu, gflop }] of Object.entries({ mean: all, best })) console.log(`${name} step: ${seconds.toFixed(2)} s (${cpu.toFixed(2)} s of processor time), ${gflop.toFixed(0)} GFLOP, ${(gflop / seconds).toFixed(0)} GFLOP/s, ${((100 * gflop) / seconds / top).toFixed(0)} % of peak`);
console.log(`rendering and packing a batch: ${(rendered.cpu / batches.length).toFixed(2)} s of processor time`);

function timer(): () => { seconds: number; cpu: number } {
  const start = performance.now(), used = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(used);
    return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
  };
}

/** Best of 12 products of two 2048 × 2048 matrices, in GFLOP/s. */
async function peakRate(): Promise<number> {
  const n = 2048;
  await using program = await runtime.compile(graph({ y: matmul(input('a', 'float32', [n, n]), input('b', 'float32', [n, n])).sum() }));
  const matrix = { dtype: 'float32' as const, dims: [n, n], data: new Float32Array(new SharedArrayBuffer(4 * n * n)).fill(0.5) };
  let least = Infinity;
  for (let i = 0; i < 12; i++) {
    const run = timer();
    await program.run({ a: matrix, b: matrix });
    least = Math.min(least, run().seconds);
  }
  return (2 * n ** 3) / least / 1e9;
}
