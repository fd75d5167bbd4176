/** What a run loses and repeats when it is killed again and again: the answer in flight, and nothing else. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { random, type Random } from '../../src/clips/index.ts';
import { endpointJudge, evaluate } from '../../src/eval/index.ts';
import { readLedger } from '../../src/eval/ledger.ts';
import { readLines } from '../../src/files/json-lines.ts';
import { fakeModel } from './fake.ts';
import { judgeServer } from './judge-server.ts';
import { captions, synthetic } from './synthetic.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stave-kill-')); }); // what a killed process has written outlives it in memory too
after(() => rm(folder, { recursive: true, force: true }));

type Life = { /** Of the questions that this process began to answer, in order. */ asked: string[]; /** Answers that it told as kept. */ kept: number; killed: boolean };

/** Runs a program of this folder until it has kept so many answers, or so many milliseconds have gone by, and a moment longer; then kills it. */
async function life(program: string, args: string[], until: { kept: number } | { ms: number }, r: Random): Promise<Life> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  const timer = 'ms' in until ? setTimeout(kill, until.ms) : undefined;
  let text = '', kept = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    kept += chunk.toString().split('kept').length - 1; // a word cut in two is counted in the end
    if ('kept' in until && kept >= until.kept) setTimeout(kill, r.int(0, 3));
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  assert.ok(code === 0 || signal === 'SIGKILL', `code ${code}, ${signal}`);
  const said = text.trimEnd().split('\n').filter((line) => line !== '');
  for (const [i, line] of said.entries()) assert.equal(line.split(' ')[0], ['asked', 'kept'][i % 2], 'an answer is kept before the next is begun');
  return { asked: said.filter((line) => line.startsWith('asked')).map((line) => line.slice('asked '.length)), kept: said.length >> 1, killed: signal === 'SIGKILL' };
}

/** Lives until one comes to its end. @param keys what of the ledger says which questions are answered, in the words of the program
 * @returns number of kills, after holding each life to it that what is told as kept is there, and that nothing is answered again but what was in flight */
async function lives(program: string, args: string[], ledger: string, most: number, nameOf: (line: { id: number; prompt: string }) => string): Promise<number> {
  const r = random(program);
  let kills = 0, before = new Set<string>(), inFlight: string | undefined;
  for (;;) {
    const { asked, kept, killed } = await life(program, args, kills % 4 === 3 ? { ms: r.int(0, 300) } : { kept: r.int(1, most) }, r);
    const { lines } = await readLedger(ledger);
    const now = new Set([...lines.values()].map((line) => nameOf(line as { id: number; prompt: string })));
    assert.ok(now.size >= before.size + kept && now.size <= before.size + kept + 1, `${now.size} in the ledger: ${before.size} before and ${kept} told as kept`);
    assert.deepEqual(asked.filter((name) => before.has(name)), [], 'no answer that is there is made again');
    assert.ok(asked.filter((name) => !now.has(name)).length <= 1, 'one is lost at most');
    if (inFlight !== undefined && asked.length > 0) assert.equal(asked[0], inFlight, 'it is the first to be asked again');
    inFlight = asked.find((name) => !now.has(name)) ?? (asked.length > 0 ? undefined : inFlight);
    before = now;
    if (!killed) return kills;
    kills++;
  }
}

test('10,000 answers through the ledger of a process that is killed again and again: none is lost, none made twice but the one in flight', async () => {
  const ledger = join(folder, 'ledger', 'ledger.jsonl');
  const kills = await lives('killed-ledger.ts', [ledger, '10000'], ledger, 1500, ({ id }) => String(id));
  assert.ok(kills >= 8, `${kills} kills`);
  const { lines } = await readLedger(ledger);
  assert.deepEqual([...lines.keys()], Array.from({ length: 10000 }, (_, id) => `t#${id}`));
  for (const line of lines.values()) assert.equal((line as { answer: string }).answer, `Answer ${line.id}`);
});

test('a whole run, killed again and again, has the results of one in one go', async () => {
  const data = await synthetic(join(folder, 'data'), 200), output = join(folder, 'killed'), whole = join(folder, 'whole');
  const kills = await lives('killed-run.ts', ['motion10', data, output], join(output, 'ledger.jsonl'), 40, ({ prompt }) => JSON.stringify(prompt));
  assert.ok(kills >= 3, `${kills} kills`);
  await evaluate({ model: fakeModel((prompt) => `Answer ${prompt}`), tasks: ['motion10'], data, output: whole });
  for (const name of ['results.json', 'samples_motion10.jsonl']) assert.equal(await readFile(join(output, name), 'utf8'), await readFile(join(whole, name), 'utf8'));
});

test('the judge, its run killed again and again, is asked again for what was in flight alone', async () => {
  const r = random('judge'), count = 60, together = 3;
  const data = await captions(join(folder, 'captions'), count), output = join(folder, 'judged'), whole = join(folder, 'judged-whole');
  let target = Infinity, wanted: string[] = [], child: ChildProcess | undefined;
  await using server = await judgeServer((_, { body }) => {
    wanted.push(body.messages[1].content);
    if (wanted.length >= target) setTimeout(() => child?.kill('SIGKILL'), r.int(0, 3));
    return 'Correct';
  });
  const args = ['vitatecs_type', data, output, server.url];
  const keptReplies = async () => (await readLines(join(output, 'judge.jsonl'))).length;
  let before = 0, kills = 0;
  for (let done = false; !done; ) {
    [target, wanted] = [r.int(1, 12), []];
    child = spawn(process.execPath, [fileURLToPath(new URL('killed-run.ts', import.meta.url)), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = (await once(child, 'close')) as [number | null];
    const now = await keptReplies();
    assert.ok(wanted.length - (now - before) <= together, `asked ${wanted.length} times, kept ${now - before} replies`);
    assert.equal(new Set(wanted).size, wanted.length);
    before = now;
    done = code === 0;
    if (!done) kills++;
  }
  assert.ok(kills >= 3, `${kills} kills`);
  assert.equal(new Set((await readLines(join(output, 'judge.jsonl'))).map((line) => (JSON.parse(line) as { key: string }).key)).size, count);
  assert.equal(before, count);
  await evaluate({ model: fakeModel((prompt) => `Answer ${prompt}`), tasks: ['vitatecs_type'], data, output: whole, judge: endpointJudge({ url: server.url }) });
  for (const name of ['results.json', 'samples_vitatecs_type.jsonl']) assert.equal(await readFile(join(output, name), 'utf8'), await readFile(join(whole, name), 'utf8'));
});
