/** How fast does training run, and what share of the machine's fp32 matrix-product rate is that?
 * node bench/training.ts [recipe.json] [steps] */
import { cpus, loadavg } from 'node:os';
import { graph, input, matmul } from '../src/graph/index.ts';
import { textReader } from '../src/models/checkpoint.ts';
import { parsePreprocessorConfig } from '../src/models/qwen2vl/index.ts';
import { Runtime } from '../src/runtime/index.ts';
import { loadChatTemplate, loadTokenizer } from '../src/text/index.ts';
import { trainEngine } from '../src/train/engine.ts';
import { preprocessorJson } from '../src/train/export.ts';
import { matmulFlops } from '../src/train/flops.ts';
import { loadRecipe } from '../src/train/index.ts';
import { startModel } from '../src/train/model.ts';
import { motion10Batches } from '../src/train/motion10.ts';
import { trainGraphs } from '../src/train/step.ts';
import type { Motion10Data } from '../src/train/recipe-data.ts';

const [file = 'box/recipe.json', count = '8'] = process.argv.slice(2);
const recipe = await loadRecipe(file);
const read = textReader(recipe.tokenizer);
const tokenizer = await loadTokenizer(read);
const model = await startModel(recipe, tokenizer);
const make = motion10Batches({ data: recipe.data as Motion10Data, batch: recipe.batch, evaluation: recipe.eval }, model.config, tokenizer, await loadChatTemplate(read));

const rendering = timer();
const batches = [make({ set: 'train', index: 0 }), make({ set: 'train', index: 1 })];
const rendered = rendering();

await using runtime = await Runtime.create({ threads: recipe.threads });
const graphs = trainGraphs(model.tensors, model.config, recipe.optimizer, parsePreprocessorConfig(preprocessorJson(recipe.data as Motion10Data)));
const zeros = () => new Map([...model.trained].map(([name, { data }]) => [name, new Float32Array(data.length)]));
const compiling = timer();
const engine = await trainEngine(runtime, graphs, { step: 0, weights: model.trained, m: zeros(), v: zeros() }, recipe.optimizer, 1);
const compiled = compiling();

const peak = await peakRate();
await engine.update([batches[0]], 0); // memory is taken once
const steps = [];
for (let i = 0; i < Number(count); i++) {
  const step = timer();
  await engine.update([batches[i % 2]], 1e-4);
  steps.push({ ...step(), gflop: matmulFlops(graphs.step, batches[i % 2].sizes) / 1e9 });
}
const best = steps.reduce((a, b) => (b.seconds < a.seconds ? b : a));
const median = steps.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(steps.length / 2)];
const after = await peakRate();
const top = Math.max(peak, after);
console.log(`${cpus()[0].model}, ${recipe.threads} threads, load ${loadavg()[0].toFixed(1)}, Node ${process.version}`);
console.log(`${file}: ${(([...model.trained.values()].reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0)) / 1e6).toFixed(2)} M parameters, ${recipe.batch.clips} clips, sizes ${JSON.stringify(batches[0].sizes)}, ${graphs.step.nodes.length} nodes compiled in ${compiled.seconds.toFixed(1)} s`);
console.log(`peak of a 2048³ product: ${top.toFixed(0)} GFLOP/s`);
for (const [name, { seconds, cpu, gflop }] of Object.entries({ best, median })) console.log(`${name} step: ${seconds.toFixed(2)} s (${cpu.toFixed(2)} s of processor time), ${gflop.toFixed(0)} GFLOP, ${(gflop / seconds).toFixed(0)} GFLOP/s, ${((100 * gflop) / seconds / top).toFixed(0)} % of peak, ${(recipe.batch.clips / seconds).toFixed(1)} clips/s`);
console.log(`rendering and packing a batch: ${(rendered.cpu / 2).toFixed(2)} s of processor time`);

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
