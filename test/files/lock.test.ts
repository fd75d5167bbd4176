import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isLocked, takeLock } from '../../src/files/lock.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-lock-'));
after(() => rm(folder, { recursive: true }));
let count = 0;
const fresh = (): string => join(folder, `${count++}`, 'a.lock');
const inUse = (who: string): Error => new Error(`in use by ${who}`);
const taking = `const { takeLock } = await import(${JSON.stringify(new URL('../../src/files/lock.ts', import.meta.url).href)}); await takeLock(process.argv[1], (who) => new Error(who));`;

test('one at a time, and again after the release', async () => {
  const file = fresh();
  {
    await using _ = await takeLock(file, inUse);
    await assert.rejects(takeLock(file, inUse), { message: `in use by process ${process.pid} on ${hostname()}` });
  }
  await (await takeLock(file, inUse)).release();
  assert.deepEqual([await readdir(join(file, '..')), await isLocked(file)], [[], false]);
});

test('of several at once one gets it', async () => {
  const file = fresh();
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(file, inUse)));
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('from a process that was killed it is taken over, from one that lives not', async () => {
  const file = fresh();
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${taking} console.log('has it'); setInterval(() => {}, 1000);`, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  await assert.rejects(takeLock(file, inUse), { message: `in use by process ${child.pid} on ${hostname()}` });
  assert.equal(await isLocked(file), true);
  child.kill('SIGKILL');
  await new Promise((resolve) => { child.once('exit', resolve); });
  assert.match(await readFile(file, 'utf8'), new RegExp(`"pid":${child.pid}`), 'it was left there');
  assert.equal(await isLocked(file), false);
  await (await takeLock(file, inUse)).release();
});

test('a process that exits leaves none; one of another machine is not judged; one that says nothing is stale in the end', async () => {
  const file = fresh();
  spawnSync(process.execPath, ['--input-type=module', '-e', `${taking} process.exit(3)`, file]);
  assert.deepEqual(await readdir(join(file, '..')), []);
  await writeFile(file, JSON.stringify({ pid: 1, host: 'elsewhere', id: 'x' }));
  await assert.rejects(takeLock(file, inUse), { message: 'in use by process 1 on elsewhere' });
  assert.equal(await isLocked(file), true);
  await writeFile(file, '');
  await (await takeLock(file, inUse)).release();
});
