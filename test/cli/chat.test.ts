import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Lines } from '../../src/cli/command.ts';
import { load, type AnswerResult, type ChatMessage, type QuestionOptions } from '../../src/generate/index.ts';
import { png } from '../../src/video/png.ts';
import { clip, goldens, model, stave } from './run.ts';

const other = `${goldens}video/rotated_90.mp4`;
const argv = (...more: string[]) => ['chat', clip, '--model', model, '--threads', '1', '--max-tokens', '8', ...more];
const options: QuestionOptions = { max_new_tokens: 8 };

/** Lines as they stand there; a typed one may be a thing to do first. */
const lines = (texts: string[], typed = false) => async (): Promise<Lines> => {
  const left = [...texts];
  return { typed, next: async () => left.shift(), [Symbol.dispose]: () => {} };
};

const about = (text: string, ...files: string[]): ChatMessage => ({ role: 'user', content: [...files.map((file) => (file.endsWith('.png') ? { type: 'image' as const, image: file } : { type: 'video' as const, video: file })), { type: 'text', text }] });
/** A red and a blue one. @returns their files */
function pictures(t: TestContext): [string, string] {
  const folder = mkdtempSync(join(tmpdir(), 'stave-chat-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const save = (name: string, width: number, height: number, color: number[]): string => {
    const file = join(folder, name);
    writeFileSync(file, png({ width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => color[i % 3]) }));
    return file;
  };
  return [save('red.png', 84, 56, [220, 30, 30]), save('blue.png', 56, 84, [30, 30, 220])];
}
/** Tokens of the pictures and of the clip. */
const visual = { red: 6, blue: 6, clip: 70 };

const said = (content: string): ChatMessage => ({ role: 'assistant', content });

/** Answers of the library to conversations that are given whole. */
async function library(...conversations: ((answers: string[]) => ChatMessage[])[]): Promise<AnswerResult[]> {
  await using loaded = await load(model, { threads: 1, reuse: 0 });
  const results: AnswerResult[] = [];
  for (const messages of conversations) results.push(await loaded.generate(messages(results.map(({ text }) => text)), options).result());
  return results;
}

test('each answer is that to the whole conversation; the clip is read once', async () => {
  const { code, out, err } = await stave(argv('--json'), { lines: lines(['What moves?', '', ' /where is it?', '/clear', 'What moves?', `/add "${other}"`, 'And here?']) });
  assert.deepEqual([code, err], [0, `forgotten\n${other}: 3.00 s, 4 frames, 36 visual tokens\n`]);
  const results = out.trim().split('\n').map((line) => JSON.parse(line) as AnswerResult & { question: string });
  assert.deepEqual(results.map(({ question }) => question), ['What moves?', '/where is it?', 'What moves?', 'And here?']);
  const expected = await library(
    () => [about('What moves?', clip)],
    ([first]) => [about('What moves?', clip), said(first), about('/where is it?')],
    () => [about('What moves?', clip)],
    ([, , third]) => [about('What moves?', clip), said(third), about('And here?', other)],
  );
  assert.deepEqual(results.map(({ token_ids, text, media }) => ({ token_ids, text, media })), JSON.parse(JSON.stringify(expected.map(({ token_ids, text, media }) => ({ token_ids, text, media })))));
  assert.deepEqual(results.map(({ reused: { visual_tokens } }) => visual_tokens), [0, 70, 70, 70]);
  for (const { reused, prompt_tokens } of results.slice(1)) assert.ok(reused.prompt_tokens > 70 && reused.prompt_tokens < prompt_tokens);
});

test('pictures and videos in any order; a picture is an image, and nothing of vision is done twice', async (t) => {
  const [red, blue] = pictures(t);
  const { code, out, err } = await stave(['chat', red, clip, ...argv('--json').slice(2)], { lines: lines(['Which is red?', `/add ${blue}`, 'And this?', '/frames', '/clear', 'Which is red?']) });
  assert.equal(code, 0);
  assert.equal(err, `${blue}: a picture of 56×84, 6 visual tokens\n${red}: a picture\n${clip}: 4 at 0.00 1.00 1.97 2.97 s\n${blue}: a picture\nforgotten\n`);
  const results = out.trim().split('\n').map((line) => JSON.parse(line) as AnswerResult);
  const expected = await library(
    () => [about('Which is red?', red, clip)],
    ([first]) => [about('Which is red?', red, clip), said(first), about('And this?', blue)],
    () => [about('Which is red?', red, clip)],
  );
  assert.deepEqual(results.map(({ token_ids, media }) => ({ token_ids, media })), JSON.parse(JSON.stringify(expected.map(({ token_ids, media }) => ({ token_ids, media })))));
  assert.deepEqual(results.map(({ media }) => media.map(({ kind }) => kind)), [['image', 'video'], ['image', 'video', 'image'], ['image', 'video']]);
  assert.deepEqual(results.map(({ visual_tokens, reused }) => visual_tokens - reused.visual_tokens), [visual.red + visual.clip, visual.blue, 0]);
});

test('answers on standard output, everything else on standard error', async () => {
  const { code, out, err } = await stave(argv('--frames', '2'), { lines: lines(['What moves?', '/frames', '/quit', 'Never asked']) });
  const footer = String.raw`2 frames · \d+ prompt tokens \(35 visual\) · 8 answer tokens, \d+/s · \d+\.\d\d s · peak memory \d+ MB · cut at --max-tokens`;
  assert.equal(code, 0);
  assert.match(out, /^[^]{4,}\n$/);
  assert.match(err, new RegExp(String.raw`^${footer}\n.*h264_bframes_30fps\.mp4: 2 at 0\.00 2\.97 s\n$`));
});

test('what cannot be done is told; the chat goes on, and a pipe ends with 1', async () => {
  const texts = ['/ad a.mp4', '/add', '/frames now', '/add nowhere.mp4', 'What moves?'];
  const piped = await stave(argv(), { lines: lines(texts) });
  for (const told of [/error: unknown order "\/ad"\n→ did you mean \/add\? A question that begins with a slash needs a space before it\n/, /error: \/add needs FILE\n/, /error: \/frames takes nothing, got "now"\n/, /error: there is no video at nowhere\.mp4\n/]) assert.match(piped.err, told);
  assert.equal(piped.code, 1);
  assert.ok(piped.out.length > 4);
  const typed = await stave(argv(), { lines: lines(texts, true) });
  assert.deepEqual([typed.code, typed.out], [0, piped.out]);
  assert.match(typed.err, /^.*: 3\.00 s, 4 frames, 70 visual tokens\. Ask about it; /);
});

test('a question that is too long fails alone', async () => {
  const { code, out, err } = await stave(argv('--json'), { lines: lines(['why '.repeat(40_000), 'What moves?']) });
  const [failed, answered] = out.trim().split('\n').map((line) => JSON.parse(line) as AnswerResult & { error?: { code: string } });
  assert.deepEqual([code, err, failed.error?.code], [1, '', 'LIMIT']);
  const [alone] = await library(() => [about('What moves?', clip)]);
  assert.deepEqual(answered.token_ids, alone.token_ids);
});

test('a clip that is not there ends it before any question', async () => {
  const { code, out, err } = await stave(['chat', 'nowhere.mp4', '--model', model], { lines: lines(['What?']) });
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^error: there is no video at nowhere\.mp4\n/);
});

test('a stopped answer counts as far as it came', async () => {
  let stop: (() => void) | undefined;
  const endless = ['chat', clip, '--model', model, '--threads', '1', '--max-tokens', '2000', '--repetition-penalty', '1.5'];
  const { code, out, err } = await stave(endless, {
    lines: lines(['What?', '/clear'], true),
    onInterrupt: (interrupt) => {
      stop = interrupt;
      return { [Symbol.dispose]: () => { stop = undefined; } };
    },
    onOut: (text) => text.length > 10 && stop?.(),
  });
  assert.equal(code, 0);
  assert.ok(out.length > 10 && out.endsWith('\n'));
  assert.match(err, /\nstopped; what was said so far counts as the answer\nforgotten\n$/);
  assert.equal(stop, undefined);
});

const bin = fileURLToPath(new URL('../../bin/stave.js', import.meta.url));

test('a real pipe: an answer comes before the next question is there', async () => {
  const child = spawn(process.execPath, [bin, ...argv('--json')], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => { child.on('close', resolve); });
  const answers = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
  const answer = async (): Promise<AnswerResult> => {
    let text = '';
    while (!text.endsWith('\n')) text += (await answers.next()).value;
    return JSON.parse(text) as AnswerResult;
  };
  child.stdin.write('What moves?\n');
  const first = await answer();
  child.stdin.end('What else?'); // without a line's end
  const second = await answer();
  assert.equal(await ended, 0);
  const [one, two] = await library(() => [about('What moves?', clip)], ([text]) => [about('What moves?', clip), said(text), about('What else?')]);
  assert.deepEqual([first.token_ids, second.token_ids], [one.token_ids, two.token_ids]);
});

const script = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

/** A terminal of its own, by script(1). @param scenes what is waited for, and then typed */
function typed(command: string[], scenes: readonly (readonly [waitFor: RegExp, keys: string])[]): Promise<{ code: number | null; shown: string }> {
  const child = spawn('script', ['-qec', [process.execPath, bin, ...command].map((word) => `'${word}'`).join(' '), '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, TERM: 'xterm' } });
  const left = [...scenes];
  let shown = '', since = 0;
  child.stdout.on('data', (data: Buffer) => {
    shown += data.toString();
    if (left.length === 0 || !left[0][0].test(shown.slice(since))) return;
    since = shown.length;
    child.stdin.write(left.shift()![1]);
  });
  return new Promise((resolve) => { child.on('close', (code) => resolve({ code, shown })); });
}

const ESC = '\x1b';
/** At the end of what is shown. */
const prompt = new RegExp(String.raw`> ${ESC}\[3G$`);
const answering = new RegExp(String.raw`[^\n${ESC}]{20,}$`);
const endless = ['chat', clip, '--model', model, '--threads', '1', '--max-tokens', '30000', '--repetition-penalty', '1.5'];

test('on a terminal Ctrl-C stops an answer, takes back a line, and at the prompt leaves', { skip: !script }, async () => {
  const { code, shown } = await typed(endless, [[prompt, 'What?\r'], [answering, '\x03'], [prompt, 'half a question'], [/question$/, '\x03'], [prompt, '\x03']]);
  assert.equal(code, 130);
  assert.match(shown, /stopped; what was said so far counts as the answer\r\n[^]*half a question[^]*interrupted\r\n$/);
});

test('on a terminal the arrow brings the last question back, and Ctrl-D leaves', { skip: !script }, async () => {
  const { code, shown } = await typed(argv(), [[prompt, 'What moves?\r'], [prompt, '\x1b[A'], [/What moves\?/, '\r'], [prompt, '\x04']]);
  assert.deepEqual([code, shown.split('What moves?').length - 1, shown.split('cut at --max-tokens').length - 1], [0, 2, 2]);
});
