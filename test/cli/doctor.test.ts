import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { checkMemory } from '../../src/cli/doctor/machine.ts';
import { FakeHub } from '../hub/server.ts';
import { stave } from './run.ts';

const temporary = await mkdtemp(join(tmpdir(), 'stave-doctor-'));
const hub = await FakeHub.start(new Map());
after(async () => {
  hub.stop();
  await rm(temporary, { recursive: true });
});
Object.assign(process.env, { HF_HOME: temporary, HF_ENDPOINT: hub.endpoint, STAVE_CACHE: join(temporary, 'cache'), VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' });
for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) delete process.env[name];

const findings = (out: string): Record<string, Finding> => Object.fromEntries(out.trim().split('\n').map((line) => JSON.parse(line) as Finding).map((finding) => [finding.check, finding]));

test('memory that files fill is free', async (t) => {
  t.mock.method(process, 'availableMemory', () => 1); // what Node says in a container that has read many
  assert.doesNotMatch((await checkMemory(new AbortController().signal)).found, /^1 B of/);
});

test('a line per check; engine and decoder have really worked; nothing is asked of the network', async () => {
  const { code, out, err } = await stave(['doctor', '--json']);
  assert.deepEqual([code, err], [0, '']);
  const { node, processor, memory, disk, engine, webgpu, cuda, decoder, cache, ...rest } = findings(out);
  assert.deepEqual(rest, {});
  assert.ok([memory, disk].every(({ status }) => status !== 'fail'));
  assert.deepEqual([node, engine, decoder, cache].map(({ status }) => status), ['ok', 'ok', 'ok', 'ok']);
  assert.match(node.found, new RegExp(`^${process.versions.node} on `));
  assert.match(processor.found, /core/);
  assert.match(engine.found, /^onnxruntime [\d.]+, cpu.* in the package; a small test is right to \de-\d+$/);
  assert.match(decoder.found, /^closer\.mp4: \d+ frames of \d+×\d+, h264 in mov, [\d.]+ s$/);
  assert.equal(cache.found, `${join(temporary, 'hub')}: no models yet`);
  assert.deepEqual(hub.seen, []);
  for (const { status, found } of [webgpu, cuda]) assert.match(found, { ok: /numbers are the processor's to \de-\d+; large products are/, none: /^not there: ./, warn: /./, fail: /never/ }[status]);
  if (process.platform === 'linux') assert.equal(webgpu.status, 'none', 'VK_DRIVER_FILES names no driver');
});

/** What it says of the Hub, and the exit code. */
async function look(): Promise<[number, Finding]> {
  const { code, out } = await stave(['doctor', '--network', '--json']);
  return [code, findings(out).hub];
}

test('the Hub with --network: reached, its word on the token, or not there with exit code 1', async () => {
  hub.fault = ({ path }) => ({ status: path === '/api/models' ? 200 : 404 });
  assert.match((await look())[1].found, /answered in [\d.]+ s, no token is set$/);
  process.env.HF_TOKEN = 'hf_x';
  hub.fault = ({ path, token }) => ({ status: path === '/api/whoami-v2' && token === 'Bearer hf_x' ? 200 : 401 });
  assert.match((await look())[1].found, /it accepts the token$/);
  process.env.HF_TOKEN = 'hf_y';
  const [code, refused] = await look();
  assert.deepEqual([code, refused.status], [0, 'warn']);
  assert.match(refused.found, /does not accept the token$/);
  delete process.env.HF_TOKEN;
  hub.fault = () => ({ status: 502 });
  const [failed, down] = await look();
  assert.deepEqual([failed, down.status], [1, 'fail']);
  assert.match(down.found, /answered 502/);
  assert.ok(down.fix);
});

test('as text: what to do stands below what is wrong', async () => {
  await mkdir(join(temporary, 'hub', 'models--a--begun', 'blobs'), { recursive: true });
  await writeFile(join(temporary, 'hub', 'models--a--begun', 'blobs', 'x.incomplete'), 'x');
  const { code, out } = await stave(['doctor']);
  assert.equal(code, 0, 'a warning is no failure');
  assert.match(out, /^ok    node {7}\d/m);
  assert.match(out, /^warn  cache {6}.*: 1 model, 1 B, 0 ready for stave\n {17}→ a\/begun is not whole: "stave pull a\/begun" goes on, "stave models remove a\/begun" makes room\n$/m);
  await rm(join(temporary, 'hub'), { recursive: true });
  await writeFile(join(temporary, 'hub'), 'a file');
  const broken = await stave(['doctor']);
  assert.equal(broken.code, 1);
  assert.match(broken.out, /^fail  cache {6}cannot read the cache .*\n {17}→ check its permissions/m);
});
