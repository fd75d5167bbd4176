/** pull, models, and a name in place of a directory, against a server of our own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Speed } from '../../src/cli/pull.ts';
import { COMMIT, etagOf, FakeHub, filesIn, ID } from '../hub/server.ts';
import { clip, model, stave } from './run.ts';

const temporary = await mkdtemp(join(tmpdir(), 'stave-cli-hub-'));
const files = filesIn(model);
const hub = await FakeHub.start(new Map(files));
after(async () => {
  hub.stop();
  await rm(temporary, { recursive: true });
});
Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HUB_DOWNLOAD_TIMEOUT: '60' });
for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) delete process.env[name];
beforeEach(async () => {
  process.env.HF_HOME = await mkdtemp(join(temporary, 'home-'));
  process.env.STAVE_CACHE = join(process.env.HF_HOME, 'stave');
  hub.fault = () => undefined;
  hub.seen.length = 0;
});

const folder = (): string => join(process.env.HF_HOME!, 'hub', `models--${ID.replace('/', '--')}`);
const snapshot = (): string => join(folder(), 'snapshots', COMMIT);

test('pull prints the directory, shows progress and says how to ask; again, it finds all there', async () => {
  const first = await stave(['pull', ID], { terminal: 120 });
  assert.deepEqual([first.code, first.out], [0, `${snapshot()}\n`]);
  // eslint-disable-next-line no-control-regex -- a terminal's own
  assert.match(first.err, /\r\x1b\[2K[\d.]+ [kM]?B of [\d.]+ [kM]?B  [\w.]+/);
  assert.match(first.err, /\d+ files, 1 MB\. Ask it:\n {2}npx stave ask clip\.mp4 "What happens in this video\?" --model someone\/tiny-vl\n$/);
  assert.match((await stave(['pull', ID])).err, /^\d+ files, 1 MB, all of them there already\. Ask it:/);
  const { out } = await stave(['pull', ID, '--json', '--revision', COMMIT]);
  const { id, revision, commit, dir, fetched } = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual({ id, revision, commit, dir, fetched }, { id: ID, revision: COMMIT, commit: COMMIT, dir: snapshot(), fetched: 0 });
});

test('a name in place of a directory: ask and plan look into the cache, and never ask the network', async () => {
  const missing = `error: there is no model directory ${ID}, and no such model in the cache\nthe cache is ${join(process.env.HF_HOME!, 'hub')}\n→ run "stave pull ${ID}" to download it, or give a directory with config.json, tokenizer.json and model.safetensors\n`;
  for (const argv of [['ask', clip, 'What?'], ['plan', clip]]) assert.deepEqual(await stave([...argv, '--model', ID]), { code: 1, out: '', err: missing });
  assert.deepEqual(hub.seen, []);
  await stave(['pull', ID]);
  hub.seen.length = 0;
  const { code, out, err } = await stave(['ask', clip, 'What?', '--model', ID, '--max-tokens', '4', '--json', '--threads', '1']);
  assert.equal(code, 0, err);
  const named = JSON.parse(out) as { token_ids: number[]; model: { name: string; dir: string; fingerprint: string } };
  assert.deepEqual([named.model.name, named.model.dir], [ID, snapshot()]);
  const plain = JSON.parse((await stave(['ask', clip, 'What?', '--model', model, '--max-tokens', '4', '--json', '--threads', '1'])).out) as typeof named;
  assert.deepEqual([named.token_ids, named.model.fingerprint], [plain.token_ids, plain.model.fingerprint]);
  assert.equal((await stave(['plan', clip, '--model', `${ID}@main`])).code, 0);
  assert.deepEqual(hub.seen, []);
});

test('models lists what is there and removes what one says', async () => {
  assert.deepEqual(await stave(['models']), { code: 0, out: '', err: `no models in ${join(process.env.HF_HOME!, 'hub')}\n→ stave pull OWNER/NAME fetches one\n` });
  await stave(['pull', ID]);
  assert.match((await stave(['models'])).out, /^someone\/tiny-vl {2}main {2}895c3a49 {2}1 MB {2}\w+ForConditionalGeneration {2}ready\n$/);
  assert.equal((JSON.parse((await stave(['models', '--json'])).out) as { runnable: boolean }).runnable, true);

  const asked: string[] = [];
  const no = await stave(['models', 'remove', ID], { confirm: async (question) => { asked.push(question); return false; } });
  assert.deepEqual([no.code, asked], [1, [`Remove ${ID} (1 MB, one revision) from ${join(process.env.HF_HOME!, 'hub')}?`]]);
  assert.match((await stave(['models', 'remove', ID])).err, /nobody can be asked here\n→ add --yes\n$/);
  assert.equal((await readdir(snapshot())).length, files.size);
  assert.match((await stave(['models', 'remove', ID], { confirm: async () => true })).out, /^someone\/tiny-vl removed, 1 MB free again\n$/);
  assert.deepEqual((await readdir(join(folder(), '..'))), ['.locks']);
  assert.deepEqual([(await stave(['models', 'remove', ID, '--yes'])).code, (await stave(['models', 'remove'])).code, (await stave(['models', 'delete', ID])).code, (await stave(['models', 'remove', '../x', '-y'])).code], [1, 2, 2, 2]);
});

test('a refusal is one message with exit code 1', async () => {
  hub.fault = () => ({ status: 403, headers: { 'x-error-code': 'GatedRepo' } });
  const { code, out, err } = await stave(['pull', ID]);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^error: someone\/tiny-vl is gated: .*\n.*\n→ agree to them at .*\n$/);
  assert.equal((await stave(['pull', 'no model'])).code, 2);
});

for (const signal of ['SIGINT', 'SIGKILL'] as const)
  test(`after ${signal} everything is whole, and the next pull goes on`, async () => {
    const weights = 'model.safetensors';
    hub.fault = ({ host, file }) => (host === 'cdn' && file === weights ? { stall: 500_000 } : undefined);
    const child = spawn(process.execPath, [fileURLToPath(new URL('../../bin/stave.js', import.meta.url)), 'pull', ID], { stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (text: Buffer) => (err += text.toString()));
    const partial = join(folder(), 'blobs', `${etagOf(files.get(weights)!)}.incomplete`);
    const size = async (): Promise<number> => (await readFile(partial).catch(() => '')).length;
    for (let i = 0; (await size()) < 500_000 && i < 1000; i++) await new Promise((resolve) => { setTimeout(resolve, 20); });
    child.kill(signal);
    const code = await new Promise((resolve) => { child.once('exit', resolve); });
    assert.deepEqual([code, err], signal === 'SIGINT' ? [130, 'what came is kept; the same command goes on\ninterrupted\n'] : [null, '']);
    assert.deepEqual(await readdir(folder()), ['blobs']);
    assert.equal(await size(), 500_000);
    hub.fault = () => undefined;
    hub.seen.length = 0;
    assert.equal((await stave(['pull', ID])).code, 0);
    assert.deepEqual(hub.downloads.filter(({ file }) => file === weights).map(({ range }) => range), ['bytes=500000-']);
    assert.deepEqual(await readFile(join(snapshot(), weights)), files.get(weights)!.data);
  });

test('the speed shown is that of the last seconds', () => {
  const speed = new Speed();
  assert.equal(speed.at(0, 0), 0, 'nothing is known yet');
  assert.equal(speed.at(100, 1), 100);
  for (let second = 2; second <= 30; second++) speed.at(100 + second * 10, second);
  assert.ok(Math.abs(speed.at(100 + 31 * 10, 31) - 10) < 1e-9);
});
