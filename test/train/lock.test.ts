import assert from 'node:assert/strict';
import { spawnSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { train } from '../../src/train/index.ts';
import { lockRun } from '../../src/train/lock.ts';
import { tiny } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-lock-'));
const file = join(folder, 'run.lock');
beforeEach(() => rm(file, { force: true }));
after(() => rm(folder, { recursive: true }));

const inUse = (who: string) => ({ code: 'TRAIN', message: new RegExp(`^${folder} is in use by ${who}\ntwo runs in one folder .*\n→ .*; if it is no run any more, remove ${file}$`) });
const holder = (pid: number, host = hostname()) => writeFile(file, JSON.stringify({ pid, host, id: 'theirs' }));
const goneProcess = () => Number(spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).stdout);

test('one at a time; the next can have it afterwards', async () => {
  const first = await lockRun(folder);
  await assert.rejects(lockRun(folder), inUse(`process ${process.pid} on ${hostname()}`));
  await first.release();
  const second = await lockRun(folder);
  await second.release();
  assert.deepEqual(await readdir(folder), []);
});

test('a process that runs keeps it; one that is gone does not, not even one that had this process’s number', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await holder(other.pid!);
  await assert.rejects(lockRun(folder), inUse(`process ${other.pid} on ${hostname()}`));
  other.kill();
  await once(other, 'exit');
  for (const pid of [other.pid!, process.pid]) {
    await holder(pid);
    const lock = await lockRun(folder);
    assert.equal((JSON.parse(await readFile(file, 'utf8')) as { pid: number }).pid, process.pid);
    await lock.release();
  }
});

test('of another machine nothing can be told', async () => {
  await holder(goneProcess(), 'elsewhere');
  await assert.rejects(lockRun(folder), inUse(String.raw`process \d+ on elsewhere`));
});

test('of many that find a stale one, one gets it', async () => {
  await holder(goneProcess());
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(folder)));
  assert.deepEqual(tries.map(({ status }) => status).toSorted(), ['fulfilled', ...Array.from({ length: 7 }, () => 'rejected')]);
  for (const one of tries) if (one.status === 'fulfilled') await one.value.release();
  assert.deepEqual(await readdir(folder), []);
});

test('a file that says nothing is waited for, then taken', async () => {
  await writeFile(file, '');
  const lock = await lockRun(folder);
  await lock.release();
});

test('a process that exits takes its lock along', () => {
  const script = `import { lockRun } from ${JSON.stringify(new URL('../../src/train/lock.ts', import.meta.url).href)}; await lockRun(${JSON.stringify(folder)}); process.exit(3)`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.deepEqual([status, existsSync(file)], [3, false]);
});

test('a second run is refused and touches nothing; the first ends as it would alone', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 } });
  let refused: unknown;
  let tried: Promise<void> | undefined;
  const first = await train(setup.recipe, { onStep: () => (tried ??= train(setup.recipe, { resume: true }).then(() => {}, (error: unknown) => void (refused = error))) });
  await tried;
  assert.equal((refused as { code?: string }).code, 'TRAIN');
  assert.match(String(refused), /is in use by process/);
  assert.equal(first.finished, true);
  assert.deepEqual((await readFile(join(setup.recipe.out, 'metrics.jsonl'), 'utf8')).trim().split('\n').map((line) => 'loss' in JSON.parse(line)), [true, true, false]); // and the line that says how it ended
  assert.equal(existsSync(join(setup.recipe.out, 'run.lock')), false);
});
