/** Devices without one: what is chosen, what is kept, and that a device is never fed nothing. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chooseDevice } from '../../src/generate/device/choose.ts';
import { forgetTrials, keptTrial } from '../../src/generate/device/kept-trial.ts';
import { differences, selfTest, tolerance, type Sort } from '../../src/generate/device/self-test.ts';
import { tryDevice, type DeviceTrial } from '../../src/generate/device/trial.ts';
import { load, type AnswerResult, type DeviceChoice } from '../../src/generate/index.ts';
import { parseWeights, tied, type WeightType, type WeightTypes } from '../../src/models/weight-types.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';
import { clip, model as dir, stave } from '../cli/run.ts';

const sort = (model_type: Sort['model_type'], type: WeightType): Sort => ({ model_type, types: tied(parseWeights(type) as WeightTypes, true) });
const plain = sort('qwen2_vl', 'f32');

const folder = await mkdtemp(join(tmpdir(), 'stave-device-'));
const [crash, hang, killed, talk] = ['crash.mjs', 'hang.mjs', 'killed.mjs', 'talk.mjs'].map((name) => join(folder, name));
before(async () => {
  Object.assign(process.env, { STAVE_CACHE: folder, VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' });
  await writeFile(crash, 'process.abort();');
  await writeFile(hang, 'setInterval(() => {}, 1000); await new Promise(() => {});');
  await writeFile(killed, 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});');
  await writeFile(talk, 'console.log("a driver says hello");');
});
after(() => rm(folder, { recursive: true }));

/** What a process started meanwhile runs before its own file. */
async function preloading<T>(file: string, run: () => Promise<T>): Promise<T> {
  process.env.NODE_OPTIONS = `--import=${pathToFileURL(file).href}`;
  try {
    return await run();
  } finally {
    delete process.env.NODE_OPTIONS;
  }
}

test('cuda by name without its libraries: exit code 1, and what to do', async (t) => {
  const tried = await tryDevice('cuda', plain);
  if (tried.result !== 'absent') return t.skip('this machine has CUDA and its libraries');
  const { code, out, err } = await stave(['ask', clip, 'What?', '--model', dir, '--device', 'cuda']);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^error: cuda cannot be used on this machine\n.*\n→ install CUDA 12.*or use --device cpu\n$/m);
  assert.equal((await stave(['ask', clip, 'What?', '--device', 'gpu'])).code, 2);
  await assert.rejects(load(dir, { device: 'gpu' as 'cpu' }), { code: 'USAGE', what: /"gpu"/ });
});

test('auto where there is no device: the processor answers, a line and the result say why', async (t) => {
  const { code, out, err } = await stave(['ask', clip, 'What?', '--model', dir, '--max-tokens', '3', '--device', 'auto', '--json']);
  assert.equal(code, 0, err);
  const { device, token_ids } = JSON.parse(out) as AnswerResult;
  if (device.used !== 'cpu') return t.skip(`this machine has ${device.used}`);
  assert.equal(device.asked, 'auto');
  assert.match(device.why!, /^cuda: .+; webgpu: .+/s);
  assert.ok(err.startsWith(`runs on the processor: ${device.why}\n`));
  await using model = await load(dir);
  const answer = await model.ask(clip, 'What?', { max_new_tokens: 3 }).result();
  assert.deepEqual([answer.token_ids, answer.device], [token_ids, { asked: 'cpu', used: 'cpu', why: null }]);
});

const right = (faster: number): DeviceTrial => ({ result: 'right', off: 0, faster });
const choose = (asked: DeviceChoice, cuda: DeviceTrial, webgpu: DeviceTrial) => chooseDevice(asked, async () => plain, {}, async (device) => (device === 'cuda' ? cuda : webgpu));

test('which device is used, by what each gives', async () => {
  const wrong: DeviceTrial = { result: 'wrong', why: 'broken' }, absent: DeviceTrial = { result: 'absent', why: 'none' };
  assert.deepEqual(await choose('auto', right(9), right(9)), { asked: 'auto', used: 'cuda', why: null });
  assert.deepEqual(await choose('auto', absent, right(9)), { asked: 'auto', used: 'webgpu', why: 'cuda: none' });
  assert.deepEqual(await choose('auto', absent, right(0.5)), { asked: 'auto', used: 'cpu', why: 'cuda: none; webgpu: slower than the processor, 2.0 times' });
  assert.deepEqual(await choose('webgpu', absent, right(0.5)), { asked: 'webgpu', used: 'webgpu', why: null });
  assert.deepEqual(await choose('webgpu', absent, wrong), { asked: 'webgpu', used: 'cpu', why: 'webgpu: broken' });
  await assert.rejects(choose('webgpu', absent, absent), { code: 'DEVICE', why: 'none' });
});

test('a driver that takes its process down, or never ends, is a result like others', async () => {
  const crashed = await preloading(crash, () => tryDevice('webgpu', plain));
  assert.equal(crashed.result, 'wrong');
  assert.match((crashed as { why: string }).why, /process ended with (SIG|\d)/);
  assert.deepEqual(await preloading(hang, () => tryDevice('webgpu', plain, { timeout: 400 })), { result: 'wrong', why: 'the self-test took more than 0.4 s' });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(preloading(hang, () => tryDevice('webgpu', plain, { signal: stop.signal })), { name: 'AbortError' });
});

test('a trial is kept until the driver changes or it is forgotten', async () => {
  const told: string[] = [];
  const options = { onTrial: (device: string) => void told.push(device) };
  const first = await preloading(crash, () => keptTrial('webgpu', plain, options));
  assert.equal(first.result, 'wrong');
  const again = await keptTrial('webgpu', plain, options); // nothing would crash now
  assert.deepEqual(told, ['webgpu']);
  assert.match((again as { why: string }).why, /process ended with .* \(seen on \d{4}-\d\d-\d\d; "stave doctor" tries again\)$/);
  assert.equal((await readdir(join(folder, 'devices'))).length, 1);
  process.env.VK_DRIVER_FILES = '/other';
  const other = await keptTrial('webgpu', plain);
  assert.doesNotMatch(JSON.stringify(other), /seen on/);
  process.env.VK_DRIVER_FILES = '/none';
  await forgetTrials('cuda');
  assert.match(JSON.stringify(await keptTrial('webgpu', plain)), /seen on/);
  await forgetTrials('webgpu');
  assert.doesNotMatch(JSON.stringify(await keptTrial('webgpu', plain)), /seen on/);
});

test('a trial that is killed from outside is not kept; what a driver prints is no result', { skip: process.platform === 'win32' }, async () => {
  const ended = await preloading(killed, () => keptTrial('webgpu', plain));
  assert.deepEqual(ended, { result: 'wrong', why: "the self-test's process ended with SIGKILL", passing: true });
  assert.doesNotMatch(JSON.stringify(await keptTrial('webgpu', plain)), /seen on/);
  assert.deepEqual(await preloading(talk, () => tryDevice('webgpu', plain)), await tryDevice('webgpu', plain));
});

/** The processor, run as a device is: no feed and no output may be empty. */
function asDevice(runtime: Runtime): Parameters<typeof selfTest>[0] {
  return {
    device: 'webgpu',
    async compile(graph, options) {
      const program = await runtime.compile(graph, options);
      const run: Program['run'] = async (feeds, options) => {
        const outputs = await program.run(feeds, options);
        for (const [name, tensor] of [...Object.entries(feeds), ...Object.entries(outputs)]) assert.ok(!('dims' in tensor) || !tensor.dims.includes(0), `${name} is empty`);
        return outputs;
      };
      return { device: 'webgpu', inputs: program.inputs, outputs: program.outputs, run, release: () => program.release(), [Symbol.asyncDispose]: () => program.release() } as unknown as Program;
    },
  };
}

for (const [model_type, type] of [['qwen2_vl', 'f32'], ['qwen2_5_vl', 'f32'], ['qwen2_vl', 'int8'], ['qwen2_5_vl', 'int4'], ['qwen2_vl', 'w8a8']] as const)
  test(`the self-test of ${model_type} in ${type}: a device is fed nothing empty, and the numbers are the same`, async () => {
    await using runtime = await Runtime.create({ threads: 1 });
    const tried = sort(model_type, type);
    const expected = await selfTest(runtime, tried);
    assert.deepEqual(expected.map(({ length }) => length), [56 * 128, 160, 160]);
    const device = await selfTest(asDevice(runtime), tried);
    assert.ok(differences(device, expected) < (type === 'f32' ? 1e-5 : tolerance(tried) / 2), `${differences(device, expected)}`); // attention is written out there; a rounding to 8 bits jumps for the last bit of a number
    for (const [i, numbers] of expected.entries()) {
      const off = expected.map((tensor) => tensor.slice());
      off[i][7] += 0.2 * Math.max(...numbers.map(Math.abs));
      assert.ok(differences(off, expected) > tolerance(tried));
      off[i][7] = NaN;
      assert.ok(Number.isNaN(differences(off, expected)));
    }
  });
