/** How long does a cold `stave ask` take, from the command to the end of its process, and how much memory? Each run is a process of its own; the disk's
 * cache is warm after the first, which is not counted.
 * node bench/ask.ts [runs] [model directory] */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boxClips, boxModel, type AnswerResult } from '../src/generate/index.ts';
import type { Motion10Record } from '../src/tasks/index.ts';

const [runs = '10', dir = boxModel] = process.argv.slice(2);
const bin = fileURLToPath(new URL('../bin/stave.js', import.meta.url));
const { video, question } = JSON.parse((await readFile(join(boxClips, 'labels.jsonl'), 'utf8')).split('\n')[0]) as Motion10Record;

await ask();
const answers: Awaited<ReturnType<typeof ask>>[] = [];
for (let i = 0; i < Number(runs); i++) answers.push(await ask());
const { frames, sizes, visual_tokens, token_ids, text } = answers[0].result;
console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}, ${dir}`);
console.log(`${video} "${question}": ${frames.length} frames of ${sizes!.input.width}×${sizes!.input.height}, ${visual_tokens} visual tokens, ${token_ids.length} answer tokens: "${text}"`);
const wall = sorted(({ seconds }) => seconds);
console.log(`${runs} runs: median ${median(wall).toFixed(2)} s, ${wall[0].toFixed(2)} to ${wall.at(-1)!.toFixed(2)} s`);
for (const part of ['load', 'plan', 'decode', 'vision', 'prefill', 'generate'] as const) row(part, ({ result }) => result.timings[part]);
row('start and end', ({ seconds, result: { timings } }) => seconds - timings.load - timings.total);
console.log(`peak memory: median ${(median(sorted(({ result }) => result.peak_memory)) / 1e6).toFixed(0)} MB, the decoding process not in it`);

async function ask(): Promise<{ seconds: number; result: AnswerResult }> {
  const start = performance.now();
  const child = spawn(process.execPath, [bin, 'ask', join(boxClips, video), question, '--model', dir, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const code = await new Promise((resolve) => { child.on('close', resolve); });
  if (code !== 0) throw new Error(`stave ask ended with ${String(code)}`);
  return { seconds: (performance.now() - start) / 1000, result: JSON.parse(out) as AnswerResult };
}

function sorted(of: (answer: (typeof answers)[number]) => number): number[] {
  return answers.map(of).toSorted((a, b) => a - b);
}

function median(values: number[]): number {
  return values[Math.floor(values.length / 2)];
}

function row(name: string, of: (answer: (typeof answers)[number]) => number): void {
  console.log(`  ${name.padEnd(14)} ${(1000 * median(sorted(of))).toFixed(0).padStart(5)} ms`);
}
