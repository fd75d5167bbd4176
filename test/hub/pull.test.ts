/** Pulling from a server of our own: what comes, what goes on after a break, what is left behind. */
import assert from 'node:assert/strict';
import { readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findModel, type PullProgress } from '../../src/hub/index.ts';
import { COMMIT, etagOf, ID } from './server.ts';
import { lists, SECOND, sharded, WEIGHTS, world } from './world.ts';

test('a pulled model lies as the Hub\'s own client lays it: blobs by ETag, relative links, the commit in refs', async (t) => {
  const { hub, model, cache, env, get } = await world(t);
  for (const name of ['pytorch_model.bin', 'model.onnx', 'README.md', 'notes/model.safetensors']) hub.files.set(name, { data: Buffer.from('x'), lfs: false });
  const pulled = await get();
  assert.deepEqual([pulled.id, pulled.revision, pulled.commit, pulled.dir], [ID, 'main', COMMIT, join(model, 'snapshots', COMMIT)]);
  assert.deepEqual(pulled.files.map(({ path }) => path).toSorted(), [...sharded.keys()].toSorted());
  assert.deepEqual(await lists(model), ['blobs', 'refs', 'snapshots']);
  assert.deepEqual(await lists(join(model, 'blobs')), [...new Set([...sharded.values()].map(etagOf))].toSorted());
  for (const [name, file] of sharded) {
    assert.equal(await readlink(join(pulled.dir, name)), join('..', '..', 'blobs', etagOf(file)));
    assert.deepEqual(await readFile(join(pulled.dir, name)), file.data);
  }
  assert.equal(await readFile(join(model, 'refs', 'main'), 'utf8'), COMMIT);
  assert.deepEqual(await lists(join(cache, '.locks', 'models--someone--tiny-vl')), []);
  assert.equal(await findModel(ID, env), pulled.dir);
  const bytes = [...sharded.values()].reduce((sum, { data }) => sum + data.length, 0);
  assert.deepEqual([pulled.bytes, pulled.fetched], [bytes, bytes]);
});

test('a second pull fetches nothing; a file that was taken out comes back alone', async (t) => {
  const { hub, model, get } = await world(t);
  await get();
  hub.seen.length = 0;
  assert.equal((await get()).fetched, 0);
  assert.deepEqual(hub.seen.filter(({ method, file }) => method === 'GET' && file !== ''), []);
  await rm(join(model, 'blobs', etagOf(sharded.get(SECOND)!)));
  assert.equal((await get()).fetched, sharded.get(SECOND)!.data.length);
  assert.deepEqual(await readFile(join(model, 'snapshots', COMMIT, SECOND)), sharded.get(SECOND)!.data);
});

test('where links are impossible the files themselves stand in the snapshot', async (t) => {
  const { env, get } = await world(t);
  const { dir } = await get({ env: { ...env, HF_HUB_DISABLE_SYMLINKS: '1' } });
  for (const [name, { data }] of sharded) {
    await assert.rejects(readlink(join(dir, name)), { code: 'EINVAL' });
    assert.deepEqual(await readFile(join(dir, name)), data);
  }
  assert.equal((await get()).fetched, 0);
});

test('a cut connection goes on where it broke, without a byte twice', async (t) => {
  const { hub, get } = await world(t);
  let cuts = 0;
  hub.fault = ({ host, method, file }) => (host === 'cdn' && method === 'GET' && file === WEIGHTS && cuts++ < 5 ? { cut: 10_000 } : undefined);
  const seen: PullProgress[] = [];
  const pulled = await get({ onProgress: (p) => seen.push(p) });
  assert.equal(pulled.fetched, pulled.bytes);
  assert.deepEqual(hub.downloads.filter(({ file }) => file === WEIGHTS).map(({ range }) => range), [undefined, ...[1, 2, 3, 4, 5].map((n) => `bytes=${10_000 * n}-`)]);
  assert.equal(seen.filter(({ waiting }) => waiting).length, 5, 'five waits, though three failures in a row would end it: each try got further');
  assert.deepEqual([seen.at(-1)!.done, seen.at(-1)!.total], [pulled.bytes, pulled.bytes]);
});

test('stopped in the middle, everything is as it was, and the next pull goes on with what came', async (t) => {
  const { hub, model, env, get } = await world(t);
  const stop = new AbortController();
  hub.fault = ({ host, file }) => (host === 'cdn' && file === WEIGHTS ? { stall: 30_000 } : undefined);
  const reason = new Error('enough');
  await assert.rejects(get({ signal: stop.signal, env: { ...env, HF_HUB_DOWNLOAD_TIMEOUT: '60' }, onProgress: ({ file, done, fetched }) => { if (file === WEIGHTS && done >= 30_000 && fetched >= 30_000) setTimeout(() => stop.abort(reason), 50); } }), reason);
  assert.deepEqual(await lists(model), ['blobs'], 'no snapshot, no ref');
  const partial = join(model, 'blobs', `${etagOf(sharded.get(WEIGHTS)!)}.incomplete`);
  assert.equal((await stat(partial)).size, 30_000);
  await assert.rejects(findModel(ID, env), { code: 'MODEL_MISSING', fix: `run "stave pull ${ID}" to download it` });

  hub.fault = () => undefined;
  hub.seen.length = 0;
  await get();
  assert.deepEqual(hub.downloads.filter(({ file }) => file === WEIGHTS).map(({ range }) => range), ['bytes=30000-']);
  assert.deepEqual((await lists(join(model, 'blobs'))).filter((name) => name.endsWith('.incomplete')), []);
  assert.deepEqual(await readFile(join(model, 'snapshots', COMMIT, WEIGHTS)), sharded.get(WEIGHTS)!.data);
});

/** Leaves another download's beginning. */
async function leave(model: string, bytes: Buffer): Promise<void> {
  await writeFile(join(model, 'blobs', `${etagOf(sharded.get(WEIGHTS)!)}.incomplete`), bytes);
}

for (const [what, fault, left] of [
  ['the beginning is of another file', undefined, Buffer.alloc(20_000, 1)],
  ['the beginning is longer than the file', undefined, Buffer.alloc(10_000_000)],
  ['the server knows no ranges', { whole: true }, sharded.get(WEIGHTS)!.data.subarray(0, 20_000)],
  ['the server refuses the range', { status: 416 }, sharded.get(WEIGHTS)!.data.subarray(0, 20_000)],
  ['the server gives another range', { status: 206, headers: { 'content-range': 'bytes 7-8/9' } }, sharded.get(WEIGHTS)!.data.subarray(0, 20_000)],
] as const)
  test(`going on when ${what}: from the start, once`, async (t) => {
    const { hub, model, get } = await world(t);
    await get();
    await rm(join(model, 'blobs', etagOf(sharded.get(WEIGHTS)!)));
    await leave(model, left);
    hub.fault = ({ host, file, range }) => (host === 'cdn' && file === WEIGHTS && range !== undefined ? fault : undefined);
    hub.seen.length = 0;
    await get();
    assert.deepEqual(await readFile(join(model, 'snapshots', COMMIT, WEIGHTS)), sharded.get(WEIGHTS)!.data);
    assert.ok(hub.downloads.length <= 2);
  });

test('a proxy that packs what it passes on changes nothing', async (t) => {
  const { hub, get } = await world(t);
  hub.fault = ({ path, range }) => (path.includes('resolve-cache') && range === undefined ? { packed: true } : undefined);
  const { dir } = await get();
  for (const [name, { data }] of sharded) assert.deepEqual(await readFile(join(dir, name)), data);
});

test('one pull of a model at a time', async (t) => {
  const { hub, get } = await world(t);
  hub.fault = ({ host, file }) => (host === 'cdn' && file === WEIGHTS ? { stall: 100 } : undefined);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const first = get({ signal: stop.signal });
  first.catch(() => {});
  for (let i = 0; hub.downloads.length === 0 && i < 1000; i++) await new Promise((resolve) => { setTimeout(resolve, 5); });
  await assert.rejects(get(), { code: 'HUB_BUSY', what: new RegExp(`${ID} is being pulled or removed by process ${process.pid}`) });
  stop.abort();
  await assert.rejects(first);
  hub.fault = () => undefined;
  await get();
});

test('branches, tags, pull requests and commits; each is found again by its name', async (t) => {
  const { hub, model, env, get } = await world(t);
  hub.refs.push('v1.0', 'refs/pr/3');
  for (const revision of ['v1.0', 'refs/pr/3', COMMIT]) {
    const { dir } = await get({ revision });
    assert.equal(await findModel(`${ID}@${revision}`, env), dir);
  }
  assert.equal(await readFile(join(model, 'refs', 'refs', 'pr', '3'), 'utf8'), COMMIT);
  await assert.rejects(findModel(ID, env), { code: 'MODEL_MISSING', what: `${ID} has not been pulled at "main"` });
  for (const revision of ['', '..', '../x', '/x', 'a//b', 'a\\b', 'a\0', '-x', 'x.lock', 'a/../b', 'a'.repeat(300)]) await assert.rejects(get({ revision }), { code: 'USAGE' });
});
