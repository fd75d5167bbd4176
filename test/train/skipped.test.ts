/** Rows that were left out, written down over stops, fresh starts and full disks. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SkippedFile } from '../../src/train/skipped.ts';
import { fullDisk } from '../files/full-disk.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-skipped-'));
after(() => rm(folder, { recursive: true }));
const limits = { rows: new Map([['rows.jsonl', 10]]), max_bad: 0.3 };
const bad = (line: number) => ({ file: 'rows.jsonl', line, why: 'broken' });
const json = (step: number, line: number): string => `${JSON.stringify({ step, ...bad(line) })}\n`;

test('what came up to the step stays, a torn line goes, and a row is noted once', async () => {
  const file = join(folder, 'resumed.jsonl');
  await writeFile(file, `${json(1, 1)}${json(2, 2)}${json(5, 3)}{"step":6,"fi`);
  await using skipped = await SkippedFile.open(file, limits, 2);
  assert.equal(skipped.count, 2);
  assert.equal(await skipped.add(3, bad(1)), false);
  assert.equal(await skipped.add(3, bad(4)), true);
  assert.equal(await readFile(file, 'utf8'), json(1, 1) + json(2, 2) + json(3, 4));
  await assert.rejects(skipped.add(4, bad(5)), { code: 'TRAIN', message: /^4 of 10 rows/ });
});

test('a fresh start begins with none, whatever an earlier one has left', async () => {
  const file = join(folder, 'fresh.jsonl');
  await writeFile(file, `${json(1, 1)}${json(1, 2)}{"step":1,"fi`);
  {
    await using skipped = await SkippedFile.open(file, limits, 0);
    assert.equal(skipped.count, 0);
    assert.ok(!existsSync(file));
    await skipped.add(1, bad(1));
  }
  await using resumed = await SkippedFile.open(file, limits, 1);
  assert.equal(resumed.count, 1);
});

test('a full disk leaves a file to go on with', async (t) => {
  const file = join(folder, 'full.jsonl');
  {
    await using skipped = await SkippedFile.open(file, limits, 0);
    await skipped.add(1, bad(1));
    await fullDisk(t);
    await assert.rejects(skipped.add(2, bad(2)), { code: 'IO', message: /no space left/ });
  }
  assert.equal(await readFile(file, 'utf8'), json(1, 1));
});

test('a file that is damaged or cannot be read is said', async () => {
  const file = join(folder, 'damaged.jsonl');
  await writeFile(file, json(1, 1));
  await appendFile(file, '{"step":2,"fi{"step":3}\n');
  await assert.rejects(SkippedFile.open(file, limits, 3), { code: 'DATA', message: /damaged\.jsonl:2 names no row/ });
  await assert.rejects(SkippedFile.open(folder, limits, 3), { code: 'IO', message: /^cannot read / });
});
