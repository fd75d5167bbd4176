/** What a Hub, a network or somebody in between may do: one clear error each, and nothing installed. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { pull } from '../../src/hub/index.ts';
import { COMMIT, etagOf, ID, type FakeHub, type Fault, type Seen } from './server.ts';
import { lists, SECOND, sharded, WEIGHTS, world, type World } from './world.ts';

/** No snapshot, no ref; what lies there under a hash has that hash. */
async function nothing({ model }: World): Promise<void> {
  assert.deepEqual((await lists(model)).filter((name) => name !== 'blobs'), []);
  for (const name of (await lists(join(model, 'blobs'))).filter((blob) => !blob.endsWith('.incomplete'))) {
    const data = await readFile(join(model, 'blobs', name));
    assert.equal(etagOf({ data, lfs: name.length === 64 }), name);
  }
}

const listing = ({ path }: Seen): boolean => path.startsWith('/api/models/');
const weights = ({ host, file }: Seen): boolean => host === 'cdn' && file === WEIGHTS;
const always = (fault: Fault, where: (seen: Seen) => boolean) => (hub: FakeHub): void => void (hub.fault = (seen) => (where(seen) ? fault : undefined));

const cases: [what: string, harm: (hub: FakeHub) => void, code: string, message: RegExp][] = [
  ['gated, without a token', always({ status: 401, headers: { 'x-error-code': 'GatedRepo', 'x-error-message': 'Access to model is restricted.' } }, listing), 'HUB_ACCESS', /someone\/tiny-vl is gated: .*\n.*answered 401: Access to model is restricted\.\n→ agree to them at http.*\/someone\/tiny-vl, then set HF_TOKEN/],
  ['gated, its files only', always({ status: 403, headers: { 'x-error-code': 'GatedRepo' } }, ({ file }) => file === 'config.json'), 'HUB_ACCESS', /is gated/],
  ['no such model, or a private one', (hub) => (hub.token = 'hf_other'), 'HUB_ACCESS', /does not give out someone\/tiny-vl\n.*401: Invalid username or password\.\n→ check the name first, .* set HF_TOKEN/],
  ['no such model', always({ status: 404, headers: { 'x-error-code': 'RepoNotFound' } }, listing), 'HUB_MISSING', /the Hub has no model someone\/tiny-vl, or not for everyone\n/],
  ['no such revision', (hub) => (hub.refs = []), 'HUB_MISSING', /someone\/tiny-vl has no revision "main"\n.*Invalid rev id: main/],
  ['a listed file that is not there', always({ status: 404, headers: { 'x-error-code': 'EntryNotFound' } }, ({ file }) => file === SECOND), 'HUB_MISSING', /has no file model-00002-of-00002/],
  ['no weights as safetensors', (hub) => { for (const name of [WEIGHTS, SECOND, 'model.safetensors.index.json']) hub.files.delete(name); hub.files.set('pytorch_model.bin', { data: Buffer.alloc(1), lfs: true }); }, 'HUB_MISSING', /has no weights as safetensors\nit holds pytorch_model\.bin\n/],
  ['a shard that the index names and nobody has', (hub) => void hub.files.delete(SECOND), 'HUB_MISSING', /has no file model-00002-of-00002\.safetensors\nits model\.safetensors\.index\.json places \d+ tensors there/],
  ['failing for good', always({ status: 503, headers: { 'x-error-message': 'Overloaded' } }, listing), 'HUB_UNREACHABLE', /the Hub does not deliver\n127.*answered 503: Overloaded\n→ run the same command again/],
  ['too many requests, for an hour', always({ status: 429, headers: { 'retry-after': '3600' } }, listing), 'HUB_UNREACHABLE', /answered 429\n→ it asks to wait 60 minutes/],
  ['cut before any byte, again and again', always({ cut: 0 }, weights), 'HUB_UNREACHABLE', /the connection to 127.* was cut: .*\n→ run the same command again: what has come is kept/],
  ['silence', always({ stall: 0 }, weights), 'HUB_UNREACHABLE', /nothing came from 127\S+ for 0\.5 s/],
  ['another status', always({ status: 418 }, listing), 'HUB_UNREACHABLE', /answered 418/],
  ['one wrong byte', always({ harm: (body) => { body[1000] ^= 1; return body; } }, weights), 'HUB_CORRUPT', /the bytes that came for model-00001\S+ are not those of the model\ntheir hash is another/],
  ['wrong bytes in a small file', always({ harm: (body) => { body[3] ^= 1; return body; } }, ({ path, file }) => path.includes('resolve-cache') && file === 'config.json'), 'HUB_CORRUPT', /the bytes that came for config\.json are not/],
  ['a name that leads upwards', (hub) => (hub.listing = (json) => ({ ...json, siblings: [...json.siblings, { rfilename: '../../evil' }] })), 'HUB_CORRUPT', /names a file "\.\.\/\.\.\/evil"/],
  ['an absolute name', (hub) => (hub.listing = (json) => ({ ...json, siblings: [...json.siblings, { rfilename: '/etc/evil' }] })), 'HUB_CORRUPT', /names a file "\/etc\/evil"/],
  ['a name with a NUL', (hub) => (hub.listing = (json) => ({ ...json, siblings: [...json.siblings, { rfilename: 'a\0b\x1b[2J' }] })), 'HUB_CORRUPT', /names a file "a�b�\[2J"/],
  ['shards that lead upwards', index({ weight_map: { a: '../../evil.safetensors' } }), 'WEIGHTS_CORRUPT', /index\.json of someone\/tiny-vl: .*"\.\.\/\.\.\/evil\.safetensors"/],
  ['shards with backslashes', index({ weight_map: { a: '..\\evil.safetensors' } }), 'WEIGHTS_CORRUPT', /index\.json of someone\/tiny-vl/],
  ['no shards', index({ weight_map: {} }), 'WEIGHTS_CORRUPT', /names no shards/],
  ['a commit that is a path', (hub) => (hub.listing = (json) => ({ ...json, sha: '../../../evil' })), 'HUB_CORRUPT', /has no commit/],
  ['a list that is none', (hub) => (hub.listing = () => ['no']), 'HUB_CORRUPT', /has no commit or no list/],
  ['a list without end', (hub) => (hub.listing = (json) => ({ ...json, siblings: [{ rfilename: 'x'.repeat(20e6) }] })), 'HUB_CORRUPT', /the list of the files of someone\/tiny-vl is longer than \d+ bytes/],
  ['a header without end', always({ status: 200, headers: { 'x-repo-commit': 'x'.repeat(40_000) } }, ({ file }) => file === 'config.json'), 'HUB_CORRUPT', /does not answer as the Hub does/],
  ['an ETag that is a path', (hub) => (hub.about = (headers, file) => (file === WEIGHTS ? { ...headers, 'x-linked-etag': '"../../../evil"' } : headers)), 'HUB_CORRUPT', /gives no hash of model-00001/],
  ['another commit than asked for', (hub) => (hub.about = (headers, file) => (file === WEIGHTS ? { ...headers, 'x-repo-commit': 'f'.repeat(40) } : headers)), 'HUB_CORRUPT', /speaks of another/],
  ['more bytes than told', (hub) => (hub.about = (headers, file) => (file === WEIGHTS ? { ...headers, 'x-linked-size': '100' } : headers)), 'HUB_CORRUPT', /there are more than the 100 it should have/],
  ['a text of a terabyte', (hub) => (hub.about = (headers, file) => (file === 'vocab.json' || file === 'tokenizer.json' ? { ...headers, 'x-linked-size': '1000000000000' } : headers)), 'HUB_CORRUPT', /has 1000000000000 bytes/],
  ['weights larger than the disk', (hub) => (hub.about = (headers, file) => (file === WEIGHTS ? { ...headers, 'x-linked-size': '900000000000000' } : headers)), 'IO', /someone\/tiny-vl needs 900000\.\d\d GB more, and the disk of .* has .* GB free\n→ make room/],
  ['sent in a circle', always({ status: 302, headers: { location: '?again' } }, ({ path }) => path.includes('/resolve/')), 'HUB_CORRUPT', /without end/],
  ['sent to a file', always({ status: 302, headers: { location: 'file:///etc/passwd' } }, ({ path }) => path.includes('/resolve/')), 'HUB_CORRUPT', /sends on to "file:\/\/\/etc\/passwd"\ndownloads are taken from https:\/\/ and http:\/\/ only/],
  ['another architecture', config({ model_type: 'llama', architectures: ['LlamaForCausalLM'] }), 'MODEL_CONFIG', /config\.json of someone\/tiny-vl: model_type is "llama"/],
  ['quantised weights', config({ quantization_config: { quant_method: 'awq' } }), 'MODEL_CONFIG', /the weights are quantised \(awq\)\nstave reads F32, F16 and BF16, and what it has converted itself/],
];

/** Other content of a file, with the hash that belongs to it. */
function config(change: object) {
  return (hub: FakeHub): void => void hub.files.set('config.json', { data: Buffer.from(JSON.stringify({ ...(JSON.parse(sharded.get('config.json')!.data.toString()) as object), ...change })), lfs: false });
}
function index(json: object) {
  return (hub: FakeHub): void => void hub.files.set('model.safetensors.index.json', { data: Buffer.from(JSON.stringify(json)), lfs: false });
}

for (const [what, harm, code, message] of cases)
  test(`${what}: ${code}, nothing installed`, async (t) => {
    const w = await world(t);
    harm(w.hub);
    const error = await w.get().then(() => assert.fail('it was pulled'), (e: Error & { code: string }) => e);
    assert.equal(error.code, code, error.stack);
    assert.match(error.message, message);
    await nothing(w);
    if (['MODEL_CONFIG', 'WEIGHTS_CORRUPT', 'IO'].includes(code)) assert.deepEqual(w.hub.downloads.filter(({ file }) => file.endsWith('.safetensors')), [], 'refused before the heavy part');
    assert.deepEqual(await readdir(join(w.cache, '..')), (await lists(w.cache)).length > 0 ? ['hub'] : [], 'nothing beside the cache');
    assert.ok((await lists(w.cache)).every((name) => ['.locks', 'models--someone--tiny-vl'].includes(name)));
  });

test('the token goes to the Hub and to nobody else', async (t) => {
  const { hub, env, get } = await world(t);
  hub.token = 'hf_secret';
  await get({ env: { ...env, HF_TOKEN: ' hf_secret\n' } });
  assert.deepEqual([...new Set(hub.seen.map(({ host, token }) => `${host} ${token}`))].toSorted(), ['cdn undefined', 'hub Bearer hf_secret']);
});

test('not even when it is sent back to the Hub from elsewhere', async (t) => {
  const { hub, env, get } = await world(t);
  hub.fault = ({ host, file }) => (host === 'cdn' && file === WEIGHTS ? { status: 302, headers: { location: `${hub.endpoint}/api/resolve-cache/models/${ID}/${COMMIT}/${file}` } } : undefined);
  await get({ env: { ...env, HF_TOKEN: 'hf_secret' } });
  assert.deepEqual(hub.seen.filter(({ host, path, file }) => host === 'hub' && path.includes('resolve-cache') && file === WEIGHTS).map(({ token }) => token), [undefined]);
});

test('the token of "hf auth login" is used, HF_TOKEN before it; a wrong one is told without showing it', async (t) => {
  const { hub, env, get } = await world(t);
  hub.token = 'hf_login';
  await mkdir(env.HF_HOME, { recursive: true });
  await writeFile(join(env.HF_HOME, 'token'), 'hf_login\n');
  await get();
  hub.fault = (seen) => (listing(seen) && seen.token === 'Bearer hf_old' ? { status: 401, headers: { 'x-error-message': 'Invalid credentials in Authorization header' } } : undefined);
  await assert.rejects(get({ env: { ...env, HF_TOKEN: 'hf_old' } }), (e: Error & { code: string }) => e.code === 'HUB_ACCESS' && /does not accept the token/.test(e.message) && !e.message.includes('hf_old'));
  await assert.rejects(get({ env: { ...env, HF_TOKEN: 'hf old' } }), (e: Error & { code: string }) => e.code === 'USAGE' && !e.message.includes('hf old'));
  await assert.rejects(get({ env: { ...env, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1', HF_TOKEN: 'hf_login' } }), { code: 'HUB_ACCESS' });
});

test('429 and 503 are waited out, as long as they ask for', async (t) => {
  const { hub, get } = await world(t);
  const answers: Fault[] = [
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 429, headers: { 'retry-after': new Date(Date.now() - 1000).toUTCString() } },
    { status: 429, headers: { ratelimit: '"api";r=0;t=0' } },
  ];
  hub.fault = (seen) => (listing(seen) ? answers.shift() : undefined);
  const waits: number[] = [];
  await get({ pauses: [1000, 1000, 1000], onProgress: ({ waiting }) => waiting && waits.push(waiting.seconds) });
  assert.deepEqual(waits, [0, 0, 0]);
});

test('no network: told at once, not after a minute', async (t) => {
  const { env } = await world(t);
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const waits: unknown[] = [];
  await assert.rejects(pull(ID, { env: { ...env, HF_ENDPOINT: `http://127.0.0.1:${port}` }, pauses: [1000], onProgress: (p) => waits.push(p) }), { code: 'HUB_UNREACHABLE', what: 'the Hub cannot be reached', why: `127.0.0.1:${port} cannot be reached: ECONNREFUSED` });
  await assert.rejects(pull(ID, { env: { ...env, HF_ENDPOINT: 'http://127.0.0.1:9' }, pauses: [1000], onProgress: (p) => waits.push(p) }), { code: 'HUB_UNREACHABLE', what: 'the Hub cannot be reached', fix: 'check HF_ENDPOINT' });
  assert.deepEqual(waits, []);
});

test('what the environment must not say', async (t) => {
  const { env } = await world(t);
  for (const HF_ENDPOINT of ['ftp://x', 'huggingface.co', 'https://me:secret@x', 'https://x?y']) await assert.rejects(pull(ID, { env: { ...env, HF_ENDPOINT } }), (e: Error & { code: string }) => e.code === 'USAGE' && !e.message.includes('secret'));
  await assert.rejects(pull(ID, { env: { ...env, HF_HUB_OFFLINE: '1' } }), { code: 'HUB_UNREACHABLE', what: 'HF_HUB_OFFLINE is set, so the Hub is not asked' });
  for (const id of ['', 'a/b/c', '../x', 'a--b', 'a/..', '/x', 'x.git', 'a b', 'a/', '-a/b', 'a\0b', 'a'.repeat(200)]) await assert.rejects(pull(id, { env }), { code: 'USAGE' });
});
