/** What a run does when files fail: shards of the base that cannot be read, a disk that fills up while a checkpoint is written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { list } from '../../src/files/write.ts';
import { parseRecipe, train } from '../../src/train/index.ts';
import { checkpointAt } from '../../src/train/checkpoint.ts';
import { openWeights, saveCheckpoint, type SaveTensor } from '../../src/weights/index.ts';
import { tinyJson, untimed } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-faults-'));
await chmod(folder, 0o755);
after(() => rm(folder, { recursive: true }));

test('a shard of the base that is missing, cut off or may not be read: one error that names it, before anything is made; whole again, the run goes', { skip: process.platform === 'win32' }, async (t) => {
  const base = join(folder, 'base');
  const begun = await train(parseRecipe({ ...tinyJson, out: 'begun', steps: 1, eval: { clips: 0 } }, folder));
  await cp(begun.model!, base, { recursive: true });
  await using stored = await openWeights(begun.model!);
  await rm(join(base, 'model.safetensors'));
  await saveCheckpoint(base, [...stored.tensors.values()].map(({ name, shape }): SaveTensor => ({ name, dtype: 'F32', shape, data: () => stored.readF32(name) })), { max_shard_size: 200_000 });
  const shards = (await readdir(base)).filter((name) => /-of-\d+\.safetensors$/.test(name)).toSorted();
  assert.ok(shards.length > 2);
  const shard = join(base, shards[1]), aside = `${shard}.aside`;
  const { model: _, ...json } = tinyJson;
  const recipe = parseRecipe({ ...json, init: base, out: 'tuned', steps: 1, eval: { clips: 0 }, trainable: ['visual.blocks.*.temp_attn.*'] }, folder);
  const refused = async (code: string, why: RegExp) => {
    await assert.rejects(train(recipe), (error: Error & { code: string }) => error.code === code && error.message.includes(shard) && why.test(error.message));
    assert.deepEqual(await list(recipe.out), []);
  };
  await rename(shard, aside);
  await refused('MODEL_MISSING', /places \d+ tensors there/);
  await mkdir(shard);
  await refused('WEIGHTS_CORRUPT', /not a regular file/);
  await rm(shard, { recursive: true });
  await cp(aside, shard);
  await truncate(shard, (await stat(shard)).size - 4);
  await refused('WEIGHTS_CORRUPT', /the file was cut off/);
  await rename(aside, shard);

  await mkdir(recipe.out);
  await chmod(shard, 0);
  await asNobody(t.diagnostic.bind(t), [recipe.out], () => refused('IO', /EACCES: permission denied/));
  await chmod(shard, 0o644);
  assert.equal((await train(recipe)).finished, true);
});

/** The superuser may read everything: does the work as one who may not. @param writable what it writes to */
async function asNobody(tell: (text: string) => void, writable: string[], work: () => Promise<void>): Promise<void> {
  if (process.geteuid!() !== 0) return work();
  for (const path of writable) await chmod(path, 0o777);
  try {
    process.seteuid!(65534);
  } catch (error) {
    return tell(`a file that may not be read was not tried: this process may not become another user (${(error as Error).message})`);
  }
  try {
    await work();
  } finally {
    process.seteuid!(0);
  }
}

const small = join(folder, 'small');
/** Why this process may not mount a small disk in a namespace of its own; false: it may. */
const noMount = await (async () => {
  if (process.platform !== 'linux') return 'a small disk is mounted on Linux alone';
  await mkdir(small);
  const { status, stderr, error } = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', small], { encoding: 'utf8' });
  return status === 0 ? false : `this process may not mount a small disk: ${error?.message ?? stderr.trim()}`;
})();

test('a disk that fills up while a checkpoint is written: one error, the checkpoint before whole; with space again the run ends as one undisturbed', { skip: noMount }, async () => {
  const { out: _, ...json } = { ...tinyJson, eval: { clips: 0 }, checkpoint: { every: 2, keep: 1 } };
  const whole = parseRecipe({ ...json, out: 'whole' }, folder);
  await train(whole);
  const state = join(checkpointAt(whole, 6), 'state.safetensors');
  const room = (await stat(state)).size;

  const file = join(folder, 'recipe.json'), results = join(folder, 'results');
  await writeFile(file, JSON.stringify({ ...json, out: join(small, 'run') }));
  await mkdir(results);
  const bin = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url));
  const script = `
    mount -t tmpfs -o size=${Math.round(1.5 * room)} none "$1" # one checkpoint fits, a second beside it does not
    "$2" "$3" train "$4" 2> "$5/first.err" > "$5/first.out"; echo $? > "$5/first.code"
    cp -r "$1/run" "$5/then"
    mount -o remount,size=${4 * room} "$1"
    "$2" "$3" train "$4" --resume > "$5/second.out" 2>&1; echo $? > "$5/second.code"
    cp -r "$1/run" "$5/end"`;
  const { status, stderr } = spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', small, process.execPath, bin, file, results], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const read = (name: string) => readFile(join(results, name), 'utf8');

  assert.equal(await read('first.code'), '1\n');
  const lines = (await read('first.err')).split('\n').filter((line) => /disk|free|Error|at /.test(line));
  assert.match(lines[0], /no space left on the disk while writing .*\/checkpoints\/step-0000004/);
  assert.match(lines.at(-1)!, /^→ free some space or choose another folder, then go on: what was complete is untouched/);
  assert.equal(lines.filter((line) => /^ +at /.test(line)).length, 0);
  const then = parseRecipe({ ...json, out: 'then' }, results);
  assert.deepEqual(await list(join(then.out, 'checkpoints')), [checkpointAt(then, 2)]);
  await (await openWeights(join(checkpointAt(then, 2), 'state.safetensors'))).close();

  assert.equal(await read('second.code'), '0\n', await read('second.out'));
  const end = parseRecipe({ ...json, out: 'end' }, results);
  for (const name of [join('checkpoints', 'step-0000006', 'state.safetensors'), join('model', 'model.safetensors')]) assert.ok((await readFile(join(end.out, name))).equals(await readFile(join(whole.out, name))), name);
  assert.deepEqual(await untimed(end.out), await untimed(whole.out));
});
