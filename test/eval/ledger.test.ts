/** The ledger under torn lines, damage, two writers and a full disk; under SIGKILL: kill.test.ts. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluate } from '../../src/eval/index.ts';
import { Ledger, readLedger, type Header, type Line } from '../../src/eval/ledger.ts';
import { fullDisk } from '../files/full-disk.ts';
import { fakeModel } from './fake.ts';
import { synthetic } from './synthetic.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'stave-ledger-')); });
after(() => rm(folder, { recursive: true, force: true }));

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
  await assert.rejects(evaluate({ model: failing, tasks: ['motion10'], data: await synthetic(join(folder, 'data'), 3), output: join(folder, 'gave-up') }), { message: 'the model gave up' });
});
