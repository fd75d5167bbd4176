/** The ledger under SIGKILL, torn lines, full repeats and two writers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { random } from '../../src/clips/index.ts';
import { evaluate } from '../../src/eval/index.ts';
import { Ledger, readLedger, type Header, type Line } from '../../src/eval/ledger.ts';
import { fullDisk } from '../files/full-disk.ts';
import { fakeModel } from './fake.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'stave-ledger-')); });
after(() => rm(folder, { recursive: true, force: true }));

/** Questions about one file that nobody decodes; each asks its own number. */
async function synthetic(count: number): Promise<string> {
  const data = join(folder, `data-${count}`);
  await mkdir(join(data, 'motion10'), { recursive: true });
  await writeFile(join(data, 'motion10', 'c.mp4'), '');
  await writeFile(join(data, 'motion10', 'labels.jsonl'), Array.from({ length: count }, (_, i) => `${JSON.stringify({ id: `q${i}`, video: 'c.mp4', kind: 'describe', question: String(i), answer: i % 3 === 0 ? `Answer ${i}` : 'Something else' })}\n`).join(''));
  return data;
}

test('2,000 questions, the process killed again and again: nothing kept is lost, at most the two questions in flight are asked again', async () => {
  const count = 2000;
  const data = await synthetic(count), output = join(folder, 'killed');
  const r = random('kills');
  const asked = new Map<string, number>();
  let kills = 0, done = false;
  for (let last = 0; !done; ) {
    const target = last + r.int(1, 400); // killed some time after so many answers are kept
    const child = spawn(process.execPath, [fileURLToPath(new URL('killed.ts', import.meta.url)), data, output], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const kept = Number(/.*kept (\d+)\n/s.exec(text.slice(-200))?.[1] ?? 0);
      if (kept >= target) setTimeout(() => child.kill('SIGKILL'), r.int(0, 3));
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    for (const [, prompt] of text.matchAll(/^asked (\d+)\n/gm)) asked.set(prompt, (asked.get(prompt) ?? 0) + 1);
    const kept = Math.max(last, ...Array.from(text.matchAll(/^kept (\d+)\n/gm), ([, n]) => Number(n)));
    const { lines } = await readLedger(join(output, 'ledger.jsonl'));
    assert.ok(lines.size >= kept && lines.size <= kept + 1, `${lines.size} in the ledger, ${kept} told as kept`);
    if (signal === 'SIGKILL') kills++;
    else assert.equal(code, 0);
    done = code === 0;
    last = lines.size;
  }
  assert.ok(kills >= 5, `${kills} kills`);
  const repeats = Array.from(asked.values()).reduce((sum, n) => sum + n - 1, 0);
  assert.equal(asked.size, count);
  assert.ok(repeats <= 2 * kills, `${repeats} questions asked again after ${kills} kills`);
  const whole = join(folder, 'whole');
  await evaluate({ model: fakeModel((prompt) => `Answer ${prompt}`), tasks: ['motion10'], data, output: whole });
  for (const name of ['results.json', 'samples_motion10.jsonl']) assert.equal(await readFile(join(output, name), 'utf8'), await readFile(join(whole, name), 'utf8'));
});

const header: Header = { ledger: 'stave eval 1', model: { name: 'm', fingerprint: 'f' }, protocol: 'paper' };
const line = (id: number): Line => ({ task: 't', id, question: 'q', prompt: 'p', text: 'a', answer: 'a', finish_reason: 'stop', seen: [], without: [], tokens: { prompt: 1, visual: 0, answer: 1 }, seconds: 0 });

test('whatever of the last line a crash left is cut off, byte by byte', async () => {
  const file = join(folder, 'torn', 'ledger.jsonl');
  {
    await using ledger = await Ledger.open(file, header, {});
    for (const id of [0, 1]) await ledger.append(line(id));
  }
  const bytes = await readFile(file);
  const start = bytes.lastIndexOf(10, -2) + 1; // of the last line
  for (let length = start; length < bytes.length; length += 13) {
    await writeFile(file, bytes.subarray(0, length));
    await using ledger = await Ledger.open(file, header, {});
    assert.deepEqual([...ledger.lines.keys()], ['t#0']);
    await ledger.append(line(1));
    assert.equal((await readLedger(file)).lines.size, 2);
  }
  for (const length of [0, 5, 30]) { // killed while it was begun
    await writeFile(file, bytes.subarray(0, length));
    await using ledger = await Ledger.open(file, header, {});
    assert.equal(ledger.lines.size, 0);
    assert.deepEqual((await readLedger(file)).header, header);
  }
});

test('damage before the last line, a second answer and a second writer are refused', async () => {
  const file = join(folder, 'damaged', 'ledger.jsonl');
  {
    await using ledger = await Ledger.open(file, header, {});
    await ledger.append({ task: 't', id: 0, question: 'q', skipped: 'no video' });
    await ledger.append(line(0)); // an answer takes the place of a skip
    await assert.rejects(Ledger.open(file, header, {}), { code: 'IO', message: /another run writes/ });
  }
  await assert.rejects(Ledger.open(file, { ...header, protocol: 'strict' }, {}), { code: 'DATA', message: /the protocol "paper"/ });
  await appendFile(file, `${JSON.stringify(line(0))}\n`);
  await assert.rejects(Ledger.open(file, header, {}), { code: 'DATA', message: /ledger\.jsonl:5 .*[^]*t#0 was answered before/ });
  await writeFile(file, `${JSON.stringify(line(0))}\n`);
  await assert.rejects(Ledger.open(file, header, {}), { code: 'DATA', message: /which model/ });
  await writeFile(file, `${JSON.stringify(header)}\n{"task":"t","id"\n`);
  await assert.rejects(Ledger.open(file, header, {}), { code: 'DATA', message: /ledger\.jsonl:2 / });
});

test('a full disk: nothing is added behind a torn line, the first error is told, and the next start goes on', async (t) => {
  const file = join(folder, 'full', 'ledger.jsonl');
  {
    await using ledger = await Ledger.open(file, header, {});
    await ledger.append(line(0));
    await fullDisk(t);
    await assert.rejects(ledger.append(line(1)), { code: 'IO', message: /no space left/ });
    await assert.rejects(ledger.ended({ answered: 1, seconds: 1, model_busy_seconds: null }), { code: 'IO', message: /no space left/ });
  }
  {
    await using ledger = await Ledger.open(file, header, {});
    assert.deepEqual([...ledger.lines.keys()], ['t#0']);
  }
  await fullDisk(t, 3); // header, session, end
  const failing = fakeModel(() => { throw new Error('the model gave up'); });
  await assert.rejects(evaluate({ model: failing, tasks: ['motion10'], data: await synthetic(3), output: join(folder, 'gave-up') }), { message: 'the model gave up' });
});
