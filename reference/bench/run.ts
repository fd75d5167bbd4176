/** stave and other programs on the same work, by turns on one machine: only what ran within the same minutes compares. See README.md beside this file.
 * node reference/bench/run.ts --dir DIR [--rounds 3] [--threads N] [--weights f32,int4] [--python PYTHON --sta-model MODEL_PY] [--llama PEER --gguf FOLDER] */
import { spawn } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeShape } from '../../bench/shape/checkpoint.ts';
import { limitSizes, type Limits } from '../../bench/shape/limits.ts';
import type { Measured, Task } from '../../bench/shape/measure.ts';
import { inProcess } from '../../bench/shape/process.ts';
import { weightSettings } from '../../bench/shape/settings.ts';
import { locate } from '../../src/generate/index.ts';

const { values } = parseArgs({ options: { dir: { type: 'string' }, rounds: { type: 'string', default: '3' }, threads: { type: 'string', default: String(availableParallelism()) }, weights: { type: 'string', default: 'int4' }, python: { type: 'string' }, 'sta-model': { type: 'string' }, llama: { type: 'string' }, gguf: { type: 'string' } } });
if (values.dir === undefined) throw new Error('give --dir, a folder with 4.6 GB of room for the checkpoint');
const shape = 'qwen2-vl-2b', threads = Number(values.threads), tokens = 33;
const checkpoint = join(values.dir, `${shape}-sta`);
const { signal } = new AbortController();

type Result = Pick<Measured, 'load' | 'answers' | 'prompt_tokens' | 'memory'>;
type System = { name: string; turn: () => Promise<Result>; results: Result[] };

/** glibc's allocator gives large pieces back to the system after each use and fetches them anew, which costs PyTorch half of its time: told not to. */
const keepMemory = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 34), MALLOC_TOP_PAD_: String(2 ** 28) };

const kinds = settings(values.weights);
const systems: System[] = kinds.map((weights) => ({ name: `stave ${weights}, STA`, turn: () => inProcess<Measured, Task>('measure.ts', { dir: checkpoint, threads, weights, frames: 16, clips: 1, tokens }, signal), results: [] }));
const { python, 'sta-model': staModel, llama, gguf } = values;
if (python !== undefined) {
  if (staModel === undefined) throw new Error('--python needs --sta-model, staveq2-training/model.py of the authors');
  const argv = [fileURLToPath(new URL('transformers_peer.py', import.meta.url)), checkpoint, '--sta', staModel, '--threads', String(threads), '--tokens', String(tokens)];
  systems.push({ name: 'transformers bf16, STA', turn: () => peer(python, argv, keepMemory), results: [] });
}
if (llama !== undefined) {
  if (gguf === undefined) throw new Error('--llama needs --gguf, the folder of the files that make_gguf.py and llama-quantize have written');
  for (const [language, vision] of [['Q4_0', 'bf16'], ['Q8_0', 'bf16'], ['Q8_0', 'q8_0']])
    systems.push({ name: `llama.cpp ${language}, vision ${vision}, no STA`, turn: () => peer(llama, [join(gguf, `llm-${language}.gguf`), join(gguf, `mmproj-${vision}.gguf`), String(threads), String(tokens)]), results: [] });
}

process.env.STAVE_CACHE = join(values.dir, 'cache');
await writeShape(checkpoint, shape, true);
for (const weights of kinds) await locate(checkpoint, { weights });
const limits = [await measureLimits()];
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const { name, turn, results } of systems) {
    console.error(`round ${round}: ${name}`);
    results.push(await turn());
  }
  limits.push(await measureLimits());
}

const rates = (name: 'fp32' | 'read') => limits.map((at) => (at[name] / 1e9).toFixed(0)).join(', ');
console.log(`${cpus()[0].model.trim()}, ${cpus().length} cores, ${threads} threads, Node ${process.versions.node}, onnxruntime ${limits[0].engine}\nbefore and after each round: ${rates('fp32')} GFLOP/s in fp32, ${rates('read')} GB/s\n`);
console.log('| best of its rounds | vision s | prefill s | first token s | decode tokens/s | load s | peak GB |\n|---|---|---|---|---|---|---|');
const best = systems.map(({ name, results }) => {
  const of = (stage: keyof Result['answers'][number]) => results.flatMap(({ answers }) => answers.map((answer) => answer[stage]));
  return { name, vision: Math.min(...of('vision')), prefill: Math.min(...of('prefill')), first_token: Math.min(...of('first_token')), decode: Math.max(...of('decode')), load: Math.min(...results.map(({ load }) => load)), peak: Math.max(...results.map(({ memory }) => memory.peak)) };
});
for (const { name, vision, prefill, first_token, decode, load, peak } of best) console.log(`| ${[name, vision.toFixed(2), prefill.toFixed(2), first_token.toFixed(2), decode.toFixed(1), load.toFixed(1), (peak / 1e9).toFixed(2)].join(' | ')} |`);
const ours = best[kinds.length - 1], others = best.slice(kinds.length); // the last kind of weights against the others
if (others.length > 0) console.log(`\n| ${ours.name} is so many times as fast | vision | prefill | first token | decode | and takes of its memory |\n|---|---|---|---|---|---|`);
for (const { name, vision, prefill, first_token, decode, peak } of others) console.log(`| ${[`as ${name}`, ...[vision / ours.vision, prefill / ours.prefill, first_token / ours.first_token, ours.decode / decode].map((x) => x.toFixed(2)), `${((100 * ours.peak) / peak).toFixed(0)} %`].join(' | ')} |`);

function settings(text: string): string[] {
  try {
    return weightSettings(text);
  } catch (error) {
    return misuse((error as Error).message);
  }
}

function misuse(text: string): never {
  throw new Error(text);
}

function measureLimits(): Promise<Limits> {
  return inProcess('limits.ts', limitSizes(shape, threads), signal);
}

/** Runs a peer; the last line that it prints is its result. */
async function peer(command: string, argv: string[], env: Record<string, string> = {}): Promise<Result> {
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const code = await new Promise((resolve, reject) => { child.on('error', reject); child.on('close', resolve); });
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}`);
  return JSON.parse(out.trim().split('\n').at(-1)!) as Result;
}
