import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { cachedModels, findModel, hubCache, modelName, removeModel } from '../../src/hub/index.ts';
import { COMMIT, etagOf, ID } from './server.ts';
import { lists, SECOND, sharded, world } from './world.ts';

const bytes = [...sharded.values()].reduce((sum, { data }) => sum + data.length, 0);

test('what lies in the cache: runnable, not for stave, in part, not yet whole; other things are passed over', async (t) => {
  const { cache, env, get } = await world(t);
  assert.deepEqual(await cachedModels(env), [], 'no cache yet');
  const { dir } = await get();
  const other = async (folder: string, files: Record<string, string>): Promise<void> => {
    await mkdir(join(cache, folder), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(cache, folder, name, '..'), { recursive: true });
      await writeFile(join(cache, folder, name), text);
    }
  };
  await other('models--gpt2', { [`snapshots/${COMMIT}/config.json`]: '{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}', 'refs/main': COMMIT });
  await other('models--a--part', { [`snapshots/${COMMIT}/config.json`]: sharded.get('config.json')!.data.toString(), 'refs/pr/1': COMMIT });
  await other('models--a--begun', { 'blobs/abc.incomplete': '12345' });
  await other('models--a--broken', { [`snapshots/${COMMIT}/config.json`]: '{', 'snapshots/no-commit/config.json': '{}' });
  await other('models--a--empty', {});
  await other('datasets--a--b', { [`snapshots/${COMMIT}/x`]: 'x' });
  await other('models--a--b--c', { [`snapshots/${COMMIT}/config.json`]: '{}' });
  await writeFile(join(cache, 'models--a--file'), '');
  const [begun, broken, part, gpt2, tiny, ...none] = await cachedModels(env);
  assert.deepEqual(none, []);
  assert.deepEqual(begun, { id: 'a/begun', commit: null, revisions: [], dir: null, size: 5, architecture: null, runnable: false, why: 'not whole; "stave pull a/begun" goes on' });
  assert.deepEqual([broken.id, broken.runnable, broken.why], ['a/broken', false, 'config.json is not JSON']);
  assert.deepEqual([part.id, part.revisions, part.runnable, part.why], ['a/part', ['pr/1'], false, 'tokenizer.json is missing; "stave pull a/part" fetches it']);
  assert.deepEqual([gpt2.id, gpt2.architecture, gpt2.runnable, gpt2.why], ['gpt2', 'GPT2LMHeadModel', false, 'config.json: model_type is "gpt2"']);
  assert.deepEqual(tiny, { id: ID, commit: COMMIT, revisions: ['main'], dir, size: bytes, architecture: 'Qwen2VLForConditionalGeneration', runnable: true, why: null });
});

test('removing takes a model and nothing else', async (t) => {
  const { cache, model, env, get } = await world(t);
  await get();
  await cp(model, join(cache, 'models--someone--tiny-vl2'), { recursive: true, verbatimSymlinks: true });
  assert.equal(await removeModel(ID, env), bytes + COMMIT.length);
  assert.deepEqual(await lists(cache), ['.locks', 'models--someone--tiny-vl2']);
  assert.deepEqual((await cachedModels(env)).map(({ id, runnable }) => [id, runnable]), [['someone/tiny-vl2', true]]);
  await assert.rejects(removeModel(ID, env), { code: 'MODEL_MISSING', what: `there is no model ${ID} in the cache ${cache}` });
  for (const id of ['..', '../x', 'a/../..', '', '.']) await assert.rejects(removeModel(id, env), { code: 'USAGE' });
});

test('removing follows no link out of the cache', async (t) => {
  const { cache, model, env, get } = await world(t);
  const { dir } = await get();
  await mkdir(join(cache, 'models--a--linked', 'snapshots'), { recursive: true });
  await symlink(dir, join(cache, 'models--a--linked', 'snapshots', COMMIT));
  await removeModel('a/linked', env);
  assert.equal((await lists(dir)).length, sharded.size);
  await symlink(model, join(cache, 'models--a--whole'));
  await removeModel('a/whole', env);
  assert.equal((await lists(dir)).length, sharded.size);
});

test('a name is looked up in the cache, a path stays a path', async (t) => {
  const { model, env, get } = await world(t);
  for (const path of ['checkpoint', './a/b', '/a/b', 'a/b/c', '..', 'src/hub']) assert.equal(await findModel(path, env), path);
  await assert.rejects(findModel(ID, env), {
    code: 'MODEL_MISSING', what: `there is no model directory ${ID}, and no such model in the cache`, why: `the cache is ${hubCache(env)}`,
    fix: `run "stave pull ${ID}" to download it, or give a directory with config.json, tokenizer.json and model.safetensors`,
  });
  await assert.rejects(findModel(`${ID}@v2`, env), { fix: new RegExp(`^run "stave pull ${ID} --revision v2"`) });
  await assert.rejects(findModel(`${ID}@../..`, env), { code: 'USAGE' });
  const { dir } = await get();
  assert.equal(await findModel(ID, env), dir);
  await rm(join(model, 'blobs', etagOf(sharded.get(SECOND)!)));
  await assert.rejects(findModel(ID, env), { code: 'MODEL_MISSING', what: `${ID} is in the cache in part only: ${SECOND} is missing`, fix: `run "stave pull ${ID}" to download the rest` });
});

test('a model in a cache is called by its name on the Hub', () => {
  assert.equal(modelName(`/x/hub/models--Qwen--Qwen2-VL/snapshots/${COMMIT}`), 'Qwen/Qwen2-VL');
  assert.equal(modelName(`/x/hub/models--gpt2/snapshots/${COMMIT}/`), 'gpt2');
  assert.deepEqual(['box/model', '/model', 'runs/a/checkpoint-500', 'models/mine', `/x/${COMMIT}`, `/x/snapshots/${COMMIT}`, '/models--a--b/snapshots/main'].map(modelName), ['box/model', 'model', 'a/checkpoint-500', 'mine', COMMIT, COMMIT, 'main']);
});

test('the cache is where the Hub\'s own client has it', () => {
  const cases: [Record<string, string>, string][] = [
    [{ HF_HUB_CACHE: '/c', HF_HOME: '/h' }, '/c'],
    [{ HUGGINGFACE_HUB_CACHE: '/old', HF_HOME: '/h' }, '/old'],
    [{ HF_HOME: '/h', XDG_CACHE_HOME: '/x' }, '/h/hub'],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ HF_HOME: '~/h' }, join(process.env.HOME!, 'h/hub')],
    [{}, join(process.env.HOME!, '.cache/huggingface/hub')],
  ];
  for (const [env, path] of cases) assert.equal(hubCache(env), path);
});

test('a ref that holds no commit leads nowhere', async (t) => {
  const { model, env, get } = await world(t);
  await get();
  await writeFile(join(model, 'refs', 'main'), '../../..');
  await assert.rejects(findModel(ID, env), { code: 'MODEL_MISSING', what: `${ID} has not been pulled at "main"` });
  await get();
  assert.equal(await readFile(join(model, 'refs', 'main'), 'utf8'), COMMIT);
});
