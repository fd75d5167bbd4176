/** The real program: signals, pipes, exit codes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clip, goldens, model } from './run.ts';

const bin = fileURLToPath(new URL('../../bin/stave.js', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'stave-process-'));
after(() => rm(folder, { recursive: true }));

type Ended = { code: number | null; signal: string | null; out: string; err: string };

/** @param onOut sees what has come so far, and the process */
function run(argv: string[], { stdout, onOut }: { stdout?: number; onOut?: (out: string, child: ChildProcess) => void } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', stdout ?? 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout?.on('data', (data: Buffer) => onOut?.((out += data.toString()), child));
  if (!onOut) child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr!.on('data', (data: Buffer) => (err += data.toString()));
  return new Promise((resolve) => { child.on('close', (code, signal) => resolve({ code, signal, out, err })); });
}

/** An answer that goes on for minutes. */
const endless = ['ask', clip, 'What?', '--model', model, '--threads', '1', '--max-tokens', '30000', '--repetition-penalty', '1.5'];

test('version, misuse, failure: 0, 2, 1', async () => {
  const [version, misuse, failure] = await Promise.all([run(['--version']), run(['ask']), run(['plan', `${goldens}video/text.mp4`, '--model', model])]);
  assert.deepEqual([version.code, misuse.code, failure.code], [0, 2, 1]);
  assert.deepEqual([version.err, misuse.out, failure.out], ['', '', '']);
});

test('a Node that does not run TypeScript is told which one to use', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--no-strip-types', bin, '--version'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^error: a checkout of stave does not run on Node .*\n.*\n→ .*npx stave ….*\n$/);
});

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const)
  test(`${signal} in the middle of an answer: ${code}, one word`, async () => {
    const ended = await run(endless, { onOut: (out, child) => out.length > 20 && !child.killed && child.kill(signal) }); // a second one would not wait
    assert.deepEqual([ended.code, ended.err], [code, 'interrupted\n']);
  });

test('a pipe whose reader has gone ends the work quietly', async () => {
  const ended = await run(endless, { onOut: (_out, child) => child.stdout!.destroy() });
  assert.deepEqual([ended.code, ended.signal, ended.err], [0, null, '']);
});

test('output that finds no room is an error', { skip: process.platform !== 'linux' }, async () => {
  for (const argv of [endless, ['plan', clip, '--model', model]]) {
    const ended = await run(argv, { stdout: openSync('/dev/full', 'w') });
    assert.equal(ended.code, 1);
    assert.match(ended.err, /^error: cannot write the output\nENOSPC.*\n→ make room where it goes\n$/);
  }
});

test('a batch that is killed goes on where it was: nothing lost, nothing twice', async () => {
  const [questions, answers] = [join(folder, 'q.jsonl'), join(folder, 'a.jsonl')];
  const ids = Array.from({ length: 12 }, (_, i) => `q${i}`);
  await writeFile(questions, ids.map((id) => `${JSON.stringify({ id, video: clip, question: `What about ${id}?` })}\n`).join(''));
  const argv = ['ask', '--batch', questions, '--out', answers, '--model', model, '--threads', '1', '--max-tokens', '48'];
  const child = spawn(process.execPath, [bin, ...argv], { stdio: 'ignore' });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  const read = () => readFile(answers, 'utf8').catch(() => '');
  while ((await read()).split('\n').length < 4) await new Promise((resolve) => { setTimeout(resolve, 5); });
  child.kill('SIGKILL');
  await ended;
  const before = await read();
  await writeFile(answers, before.slice(0, -40)); // as if it had died while writing the last of them
  assert.deepEqual((await run(argv)).code, 0);
  const lines = (await read()).trim().split('\n');
  assert.deepEqual(lines.map((line) => (JSON.parse(line) as { id: string }).id), ids);
  const kept = before.slice(0, -40).split('\n').slice(0, -1);
  assert.deepEqual(lines.slice(0, kept.length), kept);
});
