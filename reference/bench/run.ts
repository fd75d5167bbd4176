/** stave and other programs on the same work, by turns on one machine: only what ran within the same minutes compares. See README.md beside this file.
 * node reference/bench/run.ts --dir DIR [--shape qwen2-vl-2b] [--rounds 3] [--threads N] [--weights w8a8,int4] [--python PYTHON --sta-model MODEL_PY]
 *   [--llama PEER --gguf FOLDER [--llama-weights Q4_0+bf16,Q4_0+q8_0]] */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeShape } from '../../bench/shape/checkpoint.ts';
import { limitSizes, type Limits } from '../../bench/shape/limits.ts';
import type { Measured, Task } from '../../bench/shape/measure.ts';
import { inProcess } from '../../bench/shape/process.ts';
import { weightSettings } from '../../bench/shape/settings.ts';
import { shapeNames } from '../../bench/shape/shapes.ts';
import { locate } from '../../src/generate/index.ts';
import { keepMemory, runPeer } from './peer.ts';
import { tables, type Result, type System } from './table.ts';

const { values } = parseArgs({ options: {
  dir: { type: 'string' }, shape: { type: 'string', default: 'qwen2-vl-2b' }, rounds: { type: 'string', default: '3' }, threads: { type: 'string', default: String(availableParallelism()) }, weights: { type: 'string', default: 'int4' },
  python: { type: 'string' }, 'sta-model': { type: 'string' }, llama: { type: 'string' }, gguf: { type: 'string' }, 'llama-weights': { type: 'string', default: 'Q4_0+bf16,Q4_0+q8_0' },
} });
if (values.dir === undefined) throw new Error('give --dir, a folder with room for the checkpoint and what it is converted to, 4.6 GB and 1 to 3 GB for each of --weights with 2B');
const shape = shapeNames.find((name) => name === values.shape);
if (shape === undefined) throw new Error(`--shape ${values.shape}: give one of ${shapeNames.join(', ')}`);
const threads = Number(values.threads), tokens = 33, visual = 704;
const checkpoint = join(values.dir, `${shape}-sta`);
const { signal } = new AbortController();

type Turn = System & { run: () => Promise<Result> };

const kinds = weightSettings(values.weights);
const ours = kinds.map((weights): Turn => ({ program: 'stave', setting: `${weights}, STA`, run: () => inProcess<Measured, Task>('measure.ts', { dir: checkpoint, threads, weights, frames: 16, clips: 1, tokens }, signal), results: [] }));
const others = [...transformers(), ...llamaCpp()];

process.env.STAVE_CACHE = join(values.dir, 'cache');
await writeShape(checkpoint, shape, true);
for (const weights of kinds) await locate(checkpoint, { weights });
const load = loadavg()[0], limits = [await measureLimits()];
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const { program, setting, run, results } of [...ours, ...others]) {
    console.error(`round ${round}: ${program} ${setting}`);
    const result = await run();
    if (result.visual_tokens !== visual) throw new Error(`${program} made ${result.visual_tokens} visual tokens of the clip: it should be ${visual}`);
    results.push(result);
  }
  limits.push(await measureLimits());
}

const rates = (name: 'fp32' | 'int8' | 'read') => limits.map((at) => (at[name] / 1e9).toFixed(0)).join(', ');
const versions = Object.entries(Object.assign({}, ...others.flatMap(({ results }) => results.map(({ versions }) => versions))) as Record<string, string>);
console.log(`${cpus()[0].model.trim()}, ${cpus().length} cores, ${threads} threads, load ${load.toFixed(1)} before, Node ${process.versions.node}, ${[['onnxruntime', limits[0].engine], ...versions].map((pair) => pair.join(' ')).join(', ')}`);
console.log(`before and after each round: ${rates('fp32')} GFLOP/s in fp32, ${rates('int8')} GOP/s in u8·s8, ${rates('read')} GB/s\n`);
console.log(tables(ours, others));

function transformers(): Turn[] {
  const { python, 'sta-model': staModel } = values;
  if (python === undefined) return [];
  if (staModel === undefined) throw new Error('--python needs --sta-model, staveq2-training/model.py of the authors');
  const argv = [fileURLToPath(new URL('transformers_peer.py', import.meta.url)), checkpoint, '--sta', staModel, '--threads', String(threads), '--tokens', String(tokens)];
  return [{ program: 'transformers', setting: 'bf16, STA', run: () => runPeer<Result>(python, argv, keepMemory), results: [] }];
}

/** A setting names the types of the language model and of the vision encoder. */
function llamaCpp(): Turn[] {
  const { llama, gguf } = values;
  if (llama === undefined) return [];
  if (gguf === undefined) throw new Error('--llama needs --gguf, the folder of the files that make_gguf.py and llama-quantize have written');
  return values['llama-weights'].split(',').map((setting): Turn => {
    const [language, vision, ...rest] = setting.split('+');
    if (!language || !vision || rest.length > 0) throw new Error(`--llama-weights ${setting}: give the type of the language model and of the vision encoder, as in Q4_0+bf16`);
    const argv = [join(gguf, `llm-${language}.gguf`), join(gguf, `mmproj-${vision}.gguf`), String(threads), String(tokens)];
    return { program: 'llama.cpp', setting: `${language}, vision ${vision}, no STA`, run: () => runPeer<Result>(llama, argv), results: [] };
  });
}

function measureLimits(): Promise<Limits> {
  return inProcess('limits.ts', limitSizes(shape!, threads), signal);
}
