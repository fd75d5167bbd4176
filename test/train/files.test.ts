import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { StaveError } from '../../src/errors.ts';
import { curveSvg } from '../../src/train/curve.ts';
import { writeDirectory, writeWhole } from '../../src/files/write.ts';
import { MetricsFile, readMetrics } from '../../src/train/metrics.ts';
import { fullDisk } from '../files/full-disk.ts';

const line = (step: number, loss = step / 2) => ({ step, loss, grad_norm: 1, lr: 1, seconds: 1, clips: 1, tokens: 1 });
const folder = await mkdtemp(join(tmpdir(), 'stave-files-'));
after(() => rm(folder, { recursive: true }));

test('a directory appears whole or not at all', async () => {
  const directory = join(folder, 'model');
  await writeDirectory(directory, (temporary) => writeWhole(join(temporary, 'a'), 'first'));
  await assert.rejects(
    writeDirectory(directory, async (temporary) => {
      await writeWhole(join(temporary, 'a'), 'second');
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    }),
    (error) => error instanceof StaveError && error.code === 'IO' && /^no space left on the disk while writing .*model\n→ free some space/.test(error.message),
  );
  assert.equal(await readFile(join(directory, 'a'), 'utf8'), 'first');
  assert.deepEqual(await readdir(folder), ['model']);
  await writeDirectory(directory, (temporary) => writeWhole(join(temporary, 'b'), 'third'));
  assert.deepEqual(await readdir(directory), ['b']);
});

test('a full disk ends in one clear error, and the lines before it are whole', async (t) => {
  const file = join(folder, 'full.jsonl');
  await using metrics = await MetricsFile.open(file, 0);
  await metrics.append(line(1));
  await fullDisk(t);
  await assert.rejects(metrics.append(line(2)), (error) => error instanceof StaveError && error.code === 'IO' && /no space left on the disk while writing .*full\.jsonl/.test(error.message));
  assert.deepEqual(await metrics.lines(), [line(1)]);
});

test('metrics after the checkpoint and a line cut off are dropped on resume', async () => {
  const file = join(folder, 'metrics.jsonl');
  await writeFile(file, `${[1, 2, 3].map((step) => JSON.stringify(line(step))).join('\n')}\n{"step":4,"lo`);
  await using metrics = await MetricsFile.open(file, 2);
  await metrics.append(line(3));
  assert.deepEqual(await readMetrics(file), [1, 2, 3].map((step) => line(step)));
  await using anew = await MetricsFile.open(file, 0);
  assert.deepEqual(await anew.lines(), []);
});

test('a damaged line that is not the last is named, and so is a file that cannot be read; no file has no lines', async () => {
  const file = join(folder, 'damaged.jsonl');
  for (const damaged of ['{"step":2,"lo', '', '5', '{"step":"2","loss":1}', '\0\0\0']) {
    await writeFile(file, `${JSON.stringify(line(1))}\n${damaged}\n${JSON.stringify(line(3))}\n`);
    const named = { code: 'DATA', message: new RegExp(`damaged\\.jsonl:2 is no line of a run's metrics\\nit reads `) };
    await assert.rejects(readMetrics(file), named);
    await assert.rejects(MetricsFile.open(file, 3), named);
  }
  await assert.rejects(readMetrics(folder), { code: 'IO', message: /^cannot read .*\nEISDIR/ });
  assert.deepEqual(await readMetrics(join(folder, 'none')), []);
});

test('the curve is drawn to scale', () => {
  const svg = curveSvg([{ label: 'a & b', lines: [line(0, 4), line(100, 1), { step: 100, eval: { loss: 1, accuracy: 0.5, kinds: {} } }] }]);
  assert.match(svg, /points="56\.0,40\.0 418\.0,298\.0"/); // loss 4 of 4 at the top left; 1 of 4 a quarter of the height (344) from the bottom (384)
  assert.match(svg, /<circle cx="844\.0" cy="212\.0"/); // half of the height at the last step
  assert.match(svg, /a &amp; b/);
});
