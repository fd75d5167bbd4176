/** The judge: verbatim requests, a server with every kind of trouble, what is kept, and what is counted. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { endpointJudge, evaluate, localJudge, storedModel, type EndpointOptions, type EvalOptions, type EvalTaskResult } from '../../src/eval/index.ts';
import { Replies, repliesFile } from '../../src/eval/judge/replies.ts';
import { boxModel } from '../../src/generate/index.ts';
import { stave } from '../cli/run.ts';
import { fullDisk } from '../files/full-disk.ts';
import { fakeModel, type Asked } from './fake.ts';
import { cut, json, judgeServer } from './judge-server.ts';
import { renderClips, ssv2, vitatecs } from './miniature.ts';

let folder: string, data: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-judge-'));
  data = join(folder, 'data');
  const clips = await renderClips(join(folder, 'clips'));
  for (const build of [vitatecs, ssv2]) await build(data, clips);
});
after(() => rm(folder, { recursive: true, force: true }));

const KEY = 'sk-very-secret';
let runs = 0;
/** Two answers of twelve follow the rules: of one aspect. */
const options = (output = join(folder, `run-${runs++}`)): EvalOptions & { output: string } => ({ model: fakeModel((prompt) => (prompt.includes('type') ? 'A' : `I think so: ${prompt.length}`)), tasks: ['vitatecs'], data, output });
const judge = (url: string, more: Partial<EndpointOptions> = {}) => endpointJudge({ url, key: KEY, pauses: [0.01, 0.01, 0.01], timeout: 5, ...more });
/** Over all tasks. */
function totals(tasks: readonly Pick<EvalTaskResult, 'right' | 'unmatched' | 'judged'>[]) {
  const sum = (of: (task: (typeof tasks)[number]) => number | undefined): number => tasks.reduce((so, task) => so + (of(task) ?? 0), 0);
  return { right: sum(({ right }) => right), unmatched: sum(({ unmatched }) => unmatched), decided: sum(({ judged }) => judged?.decided), no_verdict: sum(({ judged }) => judged?.no_verdict) };
}

test('what the rules leave open is asked word for word, several at once, and counted; again, nothing is asked', async () => {
  let three!: () => void;
  const together = new Promise<void>((resolve) => (three = resolve));
  await using server = await judgeServer(async (n) => {
    if (n === 2) three();
    await together; // the first are answered when the third has come
    return n % 2 === 0 ? 'Correct' : 'Incorrect.';
  });
  const run = options();
  const { result } = await evaluate({ ...run, judge: judge(server.url, { concurrency: 3 }) });
  assert.equal(server.requests.length, 10);
  assert.equal(server.crowd, 3);
  const [{ url, authorization, body }] = server.requests;
  assert.deepEqual([url, authorization], ['/v1/chat/completions', `Bearer ${KEY}`]);
  const { messages, ...settings } = body;
  assert.deepEqual(settings, { model: 'gpt-3.5-turbo-1106', max_tokens: 128, temperature: 1, top_p: 1, presence_penalty: 1 });
  assert.equal(messages[0].content, 'You are an AI assistant for question answering.');
  assert.match(messages[1].content, /^You will receive a caption matching question.*respond "Incorrect"\. \n\nCaption Matching Question: Which of the following best describes the content of the video: \n\(A\) .* \n\(B\) .*\n\nGround-Truth Answer: \([AB]\) .*\n\nModel Prediction: I think so: \d+$/);
  assert.deepEqual(result!.judge, { kind: 'endpoint', url: `${server.url}/chat/completions`, model: null });
  const byRules = result!.tasks.find(({ task }) => task === 'vitatecs_type')!;
  assert.deepEqual(totals(result!.tasks), { right: 5 + byRules.right, unmatched: 0, decided: 10, no_verdict: 0 });
  assert.equal(byRules.judged, undefined);

  const files = ['results.json', 'samples_vitatecs_direction.jsonl', 'manifest.json', 'judge.jsonl', 'ledger.jsonl'];
  const before = await Promise.all(files.map((name) => readFile(join(run.output, name), 'utf8')));
  assert.ok(before.every((text) => !text.includes(KEY)));
  assert.match(before[1], /"judge":\{"reply":"(?:Correct|Incorrect\.)","calls":1\}/);
  await appendFile(join(run.output, 'judge.jsonl'), '{"key":"ha'); // a crash
  await evaluate({ ...run, judge: judge(server.url) });
  assert.equal(server.requests.length, 10);
  for (const i of [0, 1, 3]) assert.equal(await readFile(join(run.output, files[i]), 'utf8'), before[i]);
  await evaluate({ ...run, judge: judge(server.url, { model: 'another' }) }); // another judge has to say for itself
  assert.deepEqual([server.requests.length, server.requests.at(-1)!.body.model], [20, 'another']);
  const { result: alone } = await evaluate(run);
  assert.deepEqual([alone!.judge, totals(alone!.tasks)], [null, { right: byRules.right, unmatched: 10, decided: 0, no_verdict: 0 }]);
});

test('answers that say the same are put to it once, also at once', async () => {
  await using server = await judgeServer(() => 'Yes');
  const run = options();
  const { result } = await evaluate({ ...run, model: fakeModel(() => 'Example 1'), tasks: ['ssv2_vsm'], limit: 8, judge: judge(server.url, { concurrency: 8 }) });
  const [{ judged, counted }] = result!.tasks;
  const said = server.requests.map(({ body }) => body.messages[1].content);
  assert.ok(said.length <= 3 && counted === 8, `${said.length} requests for ${counted} answers`); // three truths
  assert.deepEqual([new Set(said).size, judged!.decided], [said.length, counted]);
});

test('errors, rate limits, cuts, silence and nonsense pass; a reply that is no verdict is asked again', async () => {
  const troubles = [json(500, { error: { message: 'loading' } }), json(429, { error: 'slow down' }, { 'retry-after': '0' }), cut, json(200, { choices: [] }), json(200, 'nonsense'), () => {}, json(503, '<html>', { 'retry-after': '0' })];
  await using server = await judgeServer((n) => (n < troubles.length ? troubles[n] : n === troubles.length ? 'Well.' : n === troubles.length + 1 ? 'It is Correct' : 'Incorrect'));
  const waits: string[] = [];
  const run = options();
  const { result } = await evaluate({ ...run, judge: judge(server.url, { concurrency: 1, timeout: 2, pauses: Array.from({ length: troubles.length }, () => 0.01), onWait: ({ why }) => waits.push(why) }) });
  assert.equal(server.requests.length, troubles.length + 1 + 10);
  assert.equal(new Set(server.requests.slice(0, troubles.length + 2).map(({ body }) => JSON.stringify(body))).size, 1); // all the first question
  assert.deepEqual(waits.map((why) => why.replace(/127\.0\.0\.1:\d+/, 'HOST')), ['it answers 500: loading', 'it answers 429: slow down', 'the connection to HOST was cut: UND_ERR_SOCKET', 'its reply holds no text: {"choices":[]}', 'its reply holds no text: "nonsense"', 'HOST gave no reply within 2 s', 'it answers 503: "<html>"']);
  const byRules = result!.tasks.find(({ task }) => task === 'vitatecs_type')!;
  assert.deepEqual(totals(result!.tasks), { right: 1 + byRules.right, unmatched: 0, decided: 10, no_verdict: 0 });
});

test('Retry-After is kept to; a server that never gives a verdict is asked eleven times, and that is counted', async () => {
  const times: number[] = [];
  await using server = await judgeServer((n) => {
    times.push(performance.now());
    return n === 0 ? json(429, {}, { 'retry-after': '1' }) : 'Hm.';
  });
  const { result } = await evaluate({ ...options(), tasks: ['vitatecs_direction'], limit: 1, judge: judge(server.url) });
  assert.ok(times[1] - times[0] >= 990, `${times[1] - times[0]} ms`);
  assert.equal(server.requests.length, 12);
  assert.deepEqual([result!.tasks[0].judged, result!.tasks[0].unmatched, result!.tasks[0].right], [{ decided: 0, right: 0, no_verdict: 1 }, 1, 0]);
});

test('a judge that cannot be asked ends the run, nothing is counted wrong for it, and what was settled is kept', async () => {
  let broken = true;
  await using server = await judgeServer((n) => (n === 3 && broken ? json(401, { error: { message: `Incorrect API key provided: ${KEY}` } }) : 'Correct'));
  const run = options();
  const failing = evaluate({ ...run, judge: judge(server.url, { concurrency: 1 }) });
  await assert.rejects(failing, (error: Error & { code: string }) => error.code === 'JUDGE' && /it answers 401: Incorrect API key provided: …[^]*check the key/.test(error.message) && !error.message.includes(KEY));
  await assert.rejects(readFile(join(run.output, 'results.json')), { code: 'ENOENT' });
  broken = false;
  await evaluate({ ...run, judge: judge(server.url) });
  assert.equal(server.requests.length, 4 + 7);
  await using down = await judgeServer(() => json(500, {}));
  await assert.rejects(evaluate({ ...options(), judge: judge(down.url) }), { code: 'JUDGE', message: /it answers 500[^]*run the same command again/ });
  const { url: nowhere } = await gone();
  await assert.rejects(evaluate({ ...options(), judge: judge(nowhere) }), { code: 'JUDGE', message: /ECONNREFUSED/ });
  for (const url of ['ftp://x/v1', `http://user:${KEY}@x/v1`, `http://x/v1?key=${KEY}`, 'x']) assert.throws(() => judge(url), (error: Error & { code: string }) => error.code === 'USAGE' && !error.message.includes(KEY));
  const stop = new AbortController();
  await using slow = await judgeServer(() => () => stop.abort());
  await assert.rejects(evaluate({ ...options(), judge: judge(slow.url), signal: stop.signal }), { name: 'AbortError' });
});

/** A server that has ended. */
async function gone() {
  await using server = await judgeServer(() => '');
  return server;
}

test('a redirect is not followed: the key stays with the host it is for', async () => {
  await using other = await judgeServer(() => 'Correct');
  await using server = await judgeServer(() => json(307, {}, { location: `${other.url}/chat/completions` }));
  await assert.rejects(evaluate({ ...options(), judge: judge(server.url) }), { code: 'JUDGE', message: /it answers 307/ });
  assert.equal(other.requests.length, 0);
});

test('the command: the key from the named variable, the model of choice; three videos and yes or no', async () => {
  await using server = await judgeServer((_, { body }) => (body.messages[1].content.includes('Ground Truth: No related action') ? 'Yes, it is.' : 'No'));
  const output = join(folder, 'command');
  process.env.STAVE_TEST_KEY = KEY;
  const { code, out, err } = await stave(['eval', '--tasks', 'ssv2_vsm', '--data', data, '--output', output, '--limit', '4', '--judge', server.url, '--judge-model', 'mine', '--judge-key', 'STAVE_TEST_KEY']);
  delete process.env.STAVE_TEST_KEY;
  assert.equal(code, 0, err);
  assert.match(out, /ssv2_vsm +[\d.]+ +[\d.]+–[\d.]+ +\d\/4 +4 decided by the judge\n/);
  const { body, authorization } = server.requests[0];
  assert.deepEqual([authorization, body.model, body.max_tokens, body.temperature, body.messages[0].content], [`Bearer ${KEY}`, 'mine', 2048, undefined, 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.']);
  assert.match(body.messages[1].content, /^\n {8}Ground Truth: .*\n {8}LLM Answer: [^]*\n\n {8}Based on the ground truth, is the LLM answer correct\? Answer with a simple "Yes" or "No"\.\n\n {8}$/);
  const { code: misused, err: why } = await stave(['eval', '--tasks', 'ssv2_vsm', '--data', data, '--output', output, '--judge-model', 'mine']);
  assert.deepEqual([misused, /--judge gives no address/.test(why)], [2, true]);
});

test('a model that stave runs can be the judge; it says the same again', async () => {
  const run = { ...options(), tasks: ['vitatecs_direction'], limit: 1 };
  const { result } = await evaluate({ ...run, judge: localJudge(storedModel(boxModel)) });
  assert.equal(result!.judge!.kind, 'model');
  const replies = await readFile(join(run.output, 'judge.jsonl'), 'utf8');
  assert.equal(replies.trim().split('\n').length, result!.tasks[0].judged!.no_verdict === 1 ? 11 : 1);
  const again = { ...run, output: join(folder, 'again') };
  await evaluate({ ...again, judge: localJudge(storedModel(boxModel)) });
  assert.equal(await readFile(join(again.output, 'judge.jsonl'), 'utf8'), replies);
});

test('a judge that stave runs gets the settings of the protocol, and of nobody else', async () => {
  const asked: Asked[] = [];
  const judge = () => localJudge(fakeModel(() => 'Correct. Yes.', { asked }));
  await evaluate({ ...options(), tasks: ['vitatecs_direction'], limit: 1, judge: judge() });
  await evaluate({ ...options(), tasks: ['ssv2_vsm'], limit: 1, judge: judge() });
  const settings = asked.map(({ options }) => ({ ...options, signal: undefined }));
  assert.deepEqual(settings, [{ max_new_tokens: 128, temperature: 1, top_p: 1, presence_penalty: 1, top_k: 0, min_p: 0, repetition_penalty: 1, seed: 0, signal: undefined }, { max_new_tokens: 2048, seed: 0, signal: undefined }]);
});

test('a reply that could not be kept: none is kept behind its torn line, and what was kept is read again', async (t) => {
  const file = join(folder, 'full', repliesFile);
  {
    await using replies = await Replies.open(file);
    await replies.keep('a', 'yes', {});
    await assert.rejects(Replies.open(file), { code: 'IO', message: /^another run asks a judge/ });
    await fullDisk(t);
    const kept = await Promise.allSettled([replies.keep('b', 'no', {}), replies.keep('c', 'yes', {})]);
    for (const one of kept) assert.match(one.status === 'rejected' ? one.reason.message : '', /^no space left on the disk/);
  }
  await using replies = await Replies.open(file);
  assert.deepEqual(['a', 'b', 'c'].map((key) => replies.get(key)), ['yes', undefined, undefined]);
  await replies.keep('c', 'yes', {});
});
