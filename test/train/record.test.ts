import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { parsePreprocessorConfig, pixelBytes, takeFrame } from '../../src/models/qwen2vl/index.ts';
import { preprocessorJson } from '../../src/train/export.ts';
import { listRuns, parseRecipe } from '../../src/train/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import type { EvalMetrics, StepMetrics } from '../../src/train/metrics.ts';
import { RunRecord } from '../../src/train/record.ts';
import { shownOf, type Shown } from '../../src/train/shown.ts';
import { runData } from '../../src/train/run-data.ts';
import { startData } from '../../src/train/setup.ts';
import { startModel } from '../../src/train/model.ts';
import { openTokenizer } from '../../src/train/tokenizer.ts';
import { crc32c, scalarRecord, versionRecord } from '../../src/train/tfevents.ts';
import { stave } from '../cli/run.ts';
import { tinyJson } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-record-'));
after(() => rm(folder, { recursive: true }));

const update = (step: number, loss: number): StepMetrics => ({ step, loss, grad_norm: 1 / step, lr: 1e-3, seconds: 2, clips: 4, tokens: 100 });
const evaluation = (step: number, loss: number): EvalMetrics => ({ step, eval: { loss, accuracy: 0.25, kinds: { action: { accuracy: 0.25, answers: 8 } } } });

/** CRC-32C bit by bit, from its definition: no table. */
function checksum(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (((crc ^ (byte >>> bit)) & 1) === 1 ? 0x82f63b78 : 0);
  return (crc ^ 0xffffffff) >>> 0;
}
const masked = (data: Uint8Array): number => Number((BigInt(((checksum(data) >>> 15) | (checksum(data) << 17)) >>> 0) + 0xa282ead8n) & 0xffffffffn);

/** The fields of a protobuf message, read by hand: number → what stands there. */
function message(data: Buffer): Map<number, (number | bigint | Buffer)[]> {
  const fields = new Map<number, (number | bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < data.length) {
    const key = Number(varint()), number = key >> 3, wire = key & 7;
    let value: number | bigint | Buffer;
    if (wire === 0) value = varint();
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(varint());
      const bytes = data.subarray(at, at + length);
      value = wire === 1 ? bytes.readDoubleLE() : wire === 5 ? bytes.readFloatLE() : bytes;
      at += length;
    }
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

/** The events of a file as TensorBoard's own reader takes them: sums checked, messages by the field numbers of event.proto and summary.proto. */
function events(file: Buffer): { time: number; step: number; version?: string; values: Record<string, number> }[] {
  const found = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    assert.equal(file.readUInt32LE(at + 8), masked(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(file.readUInt32LE(at + 12 + length), masked(data));
    const event = message(data);
    const values = [event.get(5) ?? []].flat().flatMap((summary) => message(summary as Buffer).get(1)!).map((value) => message(value as Buffer));
    const version = event.get(3)?.[0] as Buffer | undefined;
    found.push({ time: event.get(1)![0] as number, step: Number(event.get(2)?.[0] ?? 0), ...(version && { version: version.toString() }), values: Object.fromEntries(values.map((value) => [String(value.get(1)![0]), value.get(2)?.[0] as number])) });
    at += 16 + length;
  }
  return found;
}

test('event records: known sums, and every field where TensorBoard looks for it', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283); // the check value of CRC-32C
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa); // RFC 3720, B.4
  const [first, second] = events(Buffer.concat([versionRecord(12.5), scalarRecord({ time: 1795526445.25, step: 300, values: { 'train/loss': 0.5, 'eval/accuracy': 0.25 } })]));
  assert.deepEqual(first, { time: 12.5, step: 0, version: 'brain.Event:2', values: {} });
  assert.deepEqual(second, { time: 1795526445.25, step: 300, values: { 'train/loss': 0.5, 'eval/accuracy': 0.25 } });
});

test('what a run tells of itself: the same numbers for TensorBoard, after a resume none twice; a page without links', async () => {
  const recipe = { ...parseRecipe({ ...tinyJson, name: 'a <b> & "c"', steps: 4 }, folder), out: join(folder, 'one') };
  await mkdir(recipe.out);
  const read = async () => {
    const names = await readdir(join(recipe.out, 'tensorboard'));
    assert.equal(names.length, 1);
    return events(await readFile(join(recipe.out, 'tensorboard', names[0])));
  };
  await using first = await RunRecord.open(recipe, 0);
  for (const line of [update(1, 4), update(2, 2), evaluation(2, 3), update(3, 1)]) await first.add(line);
  assert.deepEqual((await read()).map(({ step, values }) => values['train/loss'] ?? values['eval/loss'] ?? step), [0, 4, 2, 3, 1]);
  await using resumed = await RunRecord.open(recipe, 2);
  await resumed.add(update(3, 1.5));
  const now = await read();
  assert.deepEqual(now.map(({ step, values }) => [step, values['train/loss'] ?? values['eval/loss']]), [[0, undefined], [1, 4], [2, 2], [2, 3], [3, 1.5]]);
  assert.deepEqual(now[3].values, { 'eval/loss': 3, 'eval/accuracy': 0.25, 'eval_accuracy/action': 0.25 });
  assert.equal(now[4].values['speed/tokens_per_second'], 50);
  assert.ok(Math.abs(now[4].time - Date.now() / 1000) < 600);

  const red = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };
  const shown: Shown[] = [{ seed: 'eval/1/0', frames: [red], answers: [{ kind: 'action', question: 'Is 1 < 2?', expected: 'yes', said: 'no', right: false }] }];
  await resumed.draw(shown);
  const html = await readFile(join(recipe.out, 'report.html'), 'utf8');
  assert.doesNotMatch(html.replaceAll('http://www.w3.org/2000/svg', ''), /https?:|src="(?!data:)|href=|<script|url\(/);
  assert.match(html, /<h1>a &lt;b&gt; &amp; &quot;c&quot;<\/h1>/);
  assert.match(html, /<td>Is 1 &lt; 2\?<\/td><td>yes<\/td><td class="wrong">no<\/td>/);
  for (const name of ['training loss', 'learning rate', 'gradient norm', 'held-out loss', 'held-out answers right']) assert.ok(html.includes(`>${name}`), name);
  assert.match(html, /<th>optimizer\.lr<\/th><td>0\.01<\/td>/);
  const image = Buffer.from(/src="data:image\/png;base64,([^"]+)"/.exec(html)![1], 'base64');
  const at = image.indexOf('IDAT');
  assert.deepEqual([...inflateSync(image.subarray(at + 4, at + 4 + image.readUInt32BE(at - 4)))], [0, 255, 0, 0, 0, 0, 255]);
  await resumed.draw();
  assert.equal(await readFile(join(recipe.out, 'report.html'), 'utf8'), html); // keeps what was said last
});

test('frames come back out of patches; questions and answers out of a packed batch', async () => {
  const config = parsePreprocessorConfig(preprocessorJson({ min_pixels: 784, max_pixels: 1e6 }));
  const frames = [0, 1, 2, 3].map((f) => ({ width: 84, height: 56, data: Uint8Array.from({ length: 84 * 56 * 3 }, (_, i) => (i * 7 + f * 31 + Math.floor(i / 251)) % 256) }));
  const { pixel_values, grid } = pixelBytes(frames, config);
  frames.forEach((frame, f) => assert.deepEqual(takeFrame(pixel_values, f, grid, config), frame));

  const recipe = parseRecipe(tinyJson, folder);
  const tokenizer = await openTokenizer(recipe);
  const model = await startModel(recipe, tokenizer);
  const data = startData(runData(recipe, model, undefined));
  const batch = (await data.next({ set: 'eval', index: 0 }, 1)) as Batch;
  await data.close();
  const right = BigInt64Array.from(batch.feeds.labels.data as BigInt64Array);
  right[0] += 1n;
  const shown = shownOf(batch, right, tokenizer, model.config);
  assert.equal(shown.length, 2);
  const answers = shown.flatMap((clip) => clip.answers);
  assert.equal(answers.length, batch.segments.length);
  assert.deepEqual(answers.map((answer) => answer.right), answers.map((_, i) => i > 0));
  for (const { question, expected, said, right: same } of answers) {
    assert.match(question, /^[A-Z][^<>|]+[?.:]/);
    assert.ok(expected.length > 0 && !expected.includes('<|') && (said === expected) === same);
  }
  assert.deepEqual(shown.map(({ seed, frames: pictures }) => [seed, pictures.length]), [['eval/1000003/0/0', 4], ['eval/1000003/0/1', 4]]);
});

test('stave runs: every run below a folder with its state and the settings that differ', async () => {
  const write = async (path: string, recipe: Record<string, unknown>, lines: unknown[], more: string[] = []) => {
    const out = join(folder, 'runs', path);
    await mkdir(out, { recursive: true });
    for (const name of more) await mkdir(join(out, name));
    await writeFile(join(out, 'recipe.json'), JSON.stringify(recipe));
    await writeFile(join(out, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  };
  await write('a', { name: 'a', out: 'x', steps: 3, optimizer: { lr: 0.1 } }, [update(1, 4), evaluation(1, 2), update(2, 2), update(3, 3), evaluation(3, 2.5), { step: 3, ended: 'patience', model_step: 1 }], ['model']);
  await write('b/stage-1', { name: 'b', out: 'y', steps: 3, best: { metric: 'accuracy' }, optimizer: { lr: 0.2 }, lora: { r: 2 } }, [update(1, 4)]);
  const lock = (pid: number) => writeFile(join(folder, 'runs', 'b', 'stage-1', 'run.lock'), JSON.stringify({ pid, host: hostname(), id: 'theirs' }));
  await lock(process.ppid);
  assert.deepEqual((await listRuns(join(folder, 'runs'))).map(({ state }) => state), ['finished', 'running']);
  const killed = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  await lock(killed.pid!); // it lies there still
  await mkdir(join(folder, 'runs', 'none'));
  const runs = await listRuns(join(folder, 'runs'));
  assert.deepEqual(runs, [
    { path: join(folder, 'runs', 'a'), name: 'a', step: 3, steps: 3, state: 'finished', ended: 'patience', loss: 3, seconds: 6, last: { step: 3, loss: 2.5, accuracy: 0.25 }, best: { step: 1, loss: 2, accuracy: 0.25 }, metric: 'loss', settings: { 'optimizer.lr': '0.1', 'best.metric': null, 'lora.r': null } },
    { path: join(folder, 'runs', 'b', 'stage-1'), name: 'b', step: 1, steps: 3, state: 'stopped', ended: null, loss: 4, seconds: 2, last: null, best: null, metric: 'accuracy', settings: { 'optimizer.lr': '0.2', 'best.metric': '"accuracy"', 'lora.r': '2' } },
  ]);
  assert.equal(
    (await stave(['runs', join(folder, 'runs')])).out,
    `run        state           update  loss    held-out  right   best held-out  time
a          finished early  3/3     3.0000  2.5000    25.0 %  2.0000 at 1    6 s
b/stage-1  stopped         1/3     4.0000  -         -       -              2 s

setting       a    b/stage-1
optimizer.lr  0.1  0.2
best.metric   -    "accuracy"
lora.r        -    2
`,
  );
  const { out } = await stave(['runs', join(folder, 'runs'), '--json']);
  assert.deepEqual(out.trim().split('\n').map((line) => JSON.parse(line)), runs);
  assert.match((await stave(['runs', join(folder, 'runs', 'none')])).err, /^no runs in /);
  await writeFile(join(folder, 'runs', 'none', 'metrics.jsonl'), `{"step":1,"lo\n${JSON.stringify(update(2, 1))}\n`);
  await mkdir(join(folder, 'runs', 'none', 'recipe.json'));
  assert.match((await stave(['runs', join(folder, 'runs')])).err, /^error: cannot read .*recipe\.json\nEISDIR/);
  await rm(join(folder, 'runs', 'none', 'recipe.json'), { recursive: true });
  await writeFile(join(folder, 'runs', 'none', 'recipe.json'), '{"name":"damaged","steps":2}');
  assert.match((await stave(['runs', join(folder, 'runs')])).err, /^error: .*metrics\.jsonl:1 is no line of a run's metrics\n/);
  for (const [text, says] of [['{"name":', 'is not valid JSON'], ['[]', 'is no recipe']]) {
    await writeFile(join(folder, 'runs', 'none', 'recipe.json'), text);
    assert.match((await stave(['runs', join(folder, 'runs')])).err, new RegExp(`^error: .*none/recipe\\.json ${says}\n`));
  }
  const nowhere = await stave(['runs', join(folder, 'nowhere')]);
  assert.deepEqual([nowhere.code, nowhere.err], [1, `error: there is no folder ${join(folder, 'nowhere')}\n→ give the folder in which the runs lie: stave runs DIR\n`]);
});
