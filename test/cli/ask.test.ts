import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { load, planVideo, type AnswerResult, type AskOptions, type Decision, type Plan } from '../../src/generate/index.ts';
import { png } from '../../src/video/png.ts';
import { clip, goldens, model, stave } from './run.ts';

const question = 'What happens in this video?';
const ask = (...more: string[]) => stave(['ask', clip, question, '--model', model, '--threads', '1', '--max-tokens', '8', ...more]);

async function library(options: AskOptions): Promise<AnswerResult> {
  await using loaded = await load(model, { threads: 1 });
  return await loaded.ask(clip, question, { max_new_tokens: 8, ...options }).result(); // before the model goes
}

test('the answer goes to standard output piece by piece, what it took to standard error', async () => {
  const pieces: string[] = [];
  const { code, out, err } = await stave(['ask', clip, question, '--model', model, '--threads', '1', '--max-tokens', '8'], { onOut: (text) => pieces.push(text) });
  assert.equal(code, 0);
  const { text, prompt_tokens } = await library({});
  assert.equal(out, `${text}\n`);
  assert.ok(pieces.length > 3, `in ${pieces.length} pieces`);
  assert.match(err, new RegExp(String.raw`^4 frames · ${prompt_tokens} prompt tokens \(70 visual\) · 8 answer tokens, \d+/s · \d+\.\d\d s · peak memory \d+ MB · cut at --max-tokens\n$`));
});

/** Without what differs from run to run, as JSON has it. */
const stable = ({ timings: _timings, tokens_per_second: _rate, peak_memory: _memory, ...rest }: AnswerResult) => JSON.parse(JSON.stringify(rest)) as object;

test('--json is the library’s result, with the question', async () => {
  const { code, out, err } = await ask('--json', '--frames', '6', '--seed', '3', '--temperature', '2', '--top-k', '40', '--scope', 'all');
  assert.deepEqual([code, err], [0, '']);
  const { video, question: asked, ...result } = JSON.parse(out) as AnswerResult & { video: string; question: string };
  const options: AskOptions = { sampling: { rule: 'count', frames: 6 }, seed: 3, temperature: 2, top_k: 40, temporal_scope: 'all' };
  assert.deepEqual([video, asked], [clip, question]);
  assert.deepEqual(stable(result), stable(await library(options)));
  assert.equal(result.frames.length, 6);
});

const sampling: [argv: string[], AskOptions['sampling']][] = [
  [['--frames', '5'], { rule: 'count', frames: 5 }],
  [['--frames', '5', '--repeat'], { rule: 'count', frames: 5, repeat: true }],
  [['--fps', '2'], { rule: 'stave', fps: 2 }],
  [['--max-frames', '6'], { rule: 'stave', max_frames: 6 }],
  [['--rule', 'qwen', '--fps', '2', '--max-frames', '8'], { rule: 'qwen', fps: 2, max_frames: 8 }],
  [['--rule', 'lmms'], { rule: 'lmms' }],
  [['--rule', 'all'], { rule: 'all' }],
  [['--times', '0, 0.5,1'], { rule: 'times', times: [0, 0.5, 1] }],
];

test('plan: each way to choose frames gives what the library chooses', async () => {
  for (const [argv, rule] of sampling) {
    const { code, out } = await stave(['plan', clip, '--model', model, '--json', ...argv]);
    const { video, ...plan } = JSON.parse(out) as Plan & { video: string };
    assert.deepEqual([code, video, plan.sampling], [0, clip, { value: rule, from: 'option' }]);
    assert.deepEqual(plan, JSON.parse(JSON.stringify(await planVideo(model, clip, '', { sampling: rule }))));
  }
});

test('plan tells that a clip has fewer frames than asked for, which ones are shown again, and what the weights take', async () => {
  const { out } = await stave(['plan', clip, '--model', model, '--frames', '1000', '--max-pixels', '3136']);
  assert.match(out, /^frames    90 at 0\.00 [^\n]* s \(1000 asked for, the clip has no more\)$/m);
  const again = await stave(['plan', `${goldens}video/one_frame.mp4`, '--model', model, '--frames', '4', '--repeat']);
  assert.match(again.out, /^frames    4 at 0\.00 0\.00 0\.00 0\.00 s \(3 of them repeats\)$/m);
  assert.match(out, /^weights   0\.6 million numbers, 1 MB as BF16 in the model's files; the engine holds 2 MB$/m);
});

test('plan as a table says the numbers of the plan', async () => {
  const { code, out } = await stave(['plan', `${goldens}video/rotated_90.mp4`, '--model', model]);
  const { duration, rotation, grid, prompt_tokens, visual_tokens, sizes } = await planVideo(model, `${goldens}video/rotated_90.mp4`);
  assert.equal(code, 0);
  assert.match(out, new RegExp(`^duration +${duration!.toFixed(2)} s`));
  assert.match(out, new RegExp(`size +${sizes!.source.width}×${sizes!.source.height} as shown, stored turned by ${rotation}°`));
  assert.match(out, new RegExp(`grid +${grid!.join(' × ')} `));
  assert.match(out, new RegExp(`tokens +${visual_tokens} visual, ${prompt_tokens} in the prompt`));
});

test('a picture is asked about as an image; no frames are chosen of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-ask-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.png');
  await writeFile(file, png({ width: 84, height: 56, data: new Uint8Array(84 * 56 * 3).fill(90) }));
  const { out, err } = await stave(['ask', file, question, '--model', model, '--threads', '1', '--max-tokens', '8']);
  await using loaded = await load(model, { threads: 1 });
  const { text, media, prompt_tokens } = await loaded.generate([{ role: 'user', content: [{ type: 'image', image: file }, { type: 'text', text: question }] }], { max_new_tokens: 8 }).result();
  assert.equal(out, `${text}\n`);
  assert.ok(err.startsWith(`1 picture · ${prompt_tokens} prompt tokens (6 visual) · `), err);
  const plan = JSON.parse((await stave(['plan', file, '--question', question, '--model', model, '--json'])).out) as Plan;
  assert.deepEqual([plan.media, plan.prompt_tokens], [media, prompt_tokens]);
  assert.doesNotMatch((await stave(['plan', file, '--model', model])).out, /^(duration|frames|rule)/m);
  const refused = await stave(['ask', file, question, '--model', model, '--fps', '2']);
  assert.deepEqual([refused.code, refused.err.split('\n')[0]], [2, `error: ${file} is a picture: there are no frames to choose`]);
});

test('--partial answers about what is left of a damaged file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-ask-'));
  const cut = join(folder, 'cut.mkv');
  const whole = await readFile(`${goldens}video/av1.mkv`);
  await writeFile(cut, whole.subarray(0, Math.floor(whole.length * 0.6)));
  const refused = await stave(['plan', cut, '--model', model]);
  const allowed = await stave(['plan', cut, '--model', model, '--partial', '--json']);
  const answered = await stave(['ask', cut, question, '--model', model, '--partial', '--max-tokens', '1']);
  await rm(folder, { recursive: true });
  assert.deepEqual([refused.code, allowed.code], [1, 0]);
  const { frames, media } = JSON.parse(allowed.out) as Plan;
  assert.ok(frames.length > 0);
  assert.match(media[0].damage.join(), /cut short/);
  assert.equal(answered.code, 0);
  assert.match(answered.err, / · damaged: the file is cut short: .*\n$/);
});

test('Ctrl-C in the middle of an answer ends it', async () => {
  const stop = new AbortController();
  const { code, out, err } = await stave(['ask', clip, question, '--model', model, '--max-tokens', '5000', '--repetition-penalty', '1.5'], { signal: stop.signal, onOut: (text) => text.length > 10 && stop.abort() });
  assert.deepEqual([code, err], [130, 'interrupted\n']);
  assert.ok(out.length > 10 && !out.endsWith('\n'));
});

test('--batch: answers by id, what failed with its reason, then nothing left to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-ask-'));
  const [questions, answers] = [join(folder, 'q.jsonl'), join(folder, 'a.jsonl')];
  await writeFile(questions, ['one', 'two'].map((id) => `${JSON.stringify({ id, video: id === 'one' ? clip : 'nowhere.mp4', question })}\n`).join(''));
  const batch = (...more: string[]) => stave(['ask', '--batch', questions, '--out', answers, '--model', model, '--threads', '1', '--max-tokens', '8', ...more]);
  const first = await batch();
  const again = await batch('--json');
  const lines = (await readFile(answers, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as AnswerResult & { id: string; error?: { code: string } });
  await rm(folder, { recursive: true });
  assert.deepEqual([first.code, first.out], [0, `2 answered now, 0 were there already, 1 of 2 failed (their lines say why; take them out to ask them again): ${answers}\n`]);
  assert.match(first.err, /(^|\n)\d+(\.\d+)? questions and \d+(\.\d+)? frames a second · the model was busy \d+\.\d % of (\d+ min )?\d+ s\n$/);
  assert.deepEqual([again.code, JSON.parse(again.out)], [0, { total: 2, answered: 0, skipped: 2, failed: 1, throughput: null }]);
  assert.deepEqual(lines.map(({ id, error }) => [id, error?.code]), [['one', undefined], ['two', 'VIDEO_MISSING']]);
  assert.equal(lines[0].text, (await library({})).text);
});

test('--batch with --choices: decisions as lines', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-ask-'));
  const [questions, answers] = [join(folder, 'q.jsonl'), join(folder, 'a.jsonl')];
  await writeFile(questions, `${JSON.stringify({ id: 'one', video: clip, question })}\n`);
  const { code } = await stave(['ask', '--batch', questions, '--out', answers, '--choices', 'open,close', '--normalize', 'mean', '--model', model, '--threads', '1', '--ahead', '1']);
  const [line] = (await readFile(answers, 'utf8')).trim().split('\n').map((text) => JSON.parse(text) as Decision);
  await rm(folder, { recursive: true });
  await using loaded = await load(model, { threads: 1 });
  const { choices } = await loaded.decide(clip, question, ['open', 'close'], { normalize: 'mean' });
  assert.deepEqual([code, line.choices], [0, choices]);
});
