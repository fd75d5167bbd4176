/** Later questions on the same videos: what they do not do again, and that their answers are the same to the bit. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerBatch, load, type AnswerResult, type ChatMessage, type FrameInput, type QuestionOptions, type VideoModel } from '../../src/generate/index.ts';
import { Reuse } from '../../src/generate/reuse/reuse.ts';
import { Program } from '../../src/runtime/program.ts';
import { decode } from '../../src/video/index.ts';
import { FrameSource } from '../../src/video/frames.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const dir = `${goldens}models/staveq2`;
const clip = `${goldens}video/h264_bframes_30fps.mp4`;
const other = `${goldens}video/rotated_90.mp4`;
const folder = await mkdtemp(join(tmpdir(), 'stave-reuse-'));
const forgetful = await load(dir, { threads: 1, reuse: 0 });
after(async () => {
  await forgetful.dispose();
  await rm(folder, { recursive: true });
});

/** What was done since the test began: frames decoded here (hence isolate: false), clips that began to go through the vision encoder, positions that went through the language model in runs of more than one. */
const done = { frames: 0, vision: 0, prefill: 0 };
beforeEach(() => void Object.assign(done, { frames: 0, vision: 0, prefill: 0 }));
const [run, next] = [Program.prototype.run, FrameSource.prototype.next];
/** Logits of every token, as they came out of the engine. */
let logits: Float32Array[] = [];
Program.prototype.run = async function counting(feeds, options) {
  if ('pixel_values' in feeds && 'data' in feeds.pixel_values && feeds.pixel_values.data.length > 0) done.vision++;
  const positions = 'input_ids' in feeds && 'dims' in feeds.input_ids ? feeds.input_ids.dims[1] : 0;
  if (positions > 1) done.prefill += positions;
  const outputs = await run.call(this, feeds, options);
  if (outputs.logits?.data.length > 0) logits.push(outputs.logits.data as Float32Array);
  return outputs;
};
FrameSource.prototype.next = function counting() {
  const frame = next.call(this);
  if (frame) done.frames++;
  return frame;
};

const options: QuestionOptions = { max_new_tokens: 8, do_sample: false, read: { isolate: false } };

/** All but what differs from run to run. */
const made = ({ timings: _timings, tokens_per_second: _rate, peak_memory: _memory, reused: _reused, ...rest }: AnswerResult) => rest;

/** An answer, what it took, and that a model which keeps nothing gives the same. */
async function asked(model: VideoModel, messages: readonly ChatMessage[], more: QuestionOptions = {}): Promise<{ result: AnswerResult; took: typeof done }> {
  const before = { ...done };
  logits = [];
  const result = await model.generate(messages, { ...options, ...more }).result();
  const took = { frames: done.frames - before.frames, vision: done.vision - before.vision, prefill: done.prefill - before.prefill };
  const bits = logits;
  logits = [];
  const fresh = await forgetful.generate(messages, { ...options, ...more }).result();
  assert.deepEqual(fresh.reused, { visual_tokens: 0, prompt_tokens: 0 });
  assert.deepEqual(made(result), made(fresh));
  assert.deepEqual(bits, logits);
  return { result, took };
}

const about = (video: string | FrameInput[], question: string): ChatMessage[] => [{ role: 'user', content: [{ type: 'video', video }, { type: 'text', text: question }] }];

test('a second question decodes nothing, encodes nothing, and reads its own text alone', async () => {
  await using model = await load(dir, { threads: 1 });
  const first = await asked(model, about(clip, 'What moves?'));
  assert.ok(first.took.frames >= 4 && first.took.vision === 1);
  assert.equal(first.took.prefill, first.result.prompt_tokens);
  const second = await asked(model, about(clip, 'Which colour has it, and why?'));
  const { reused, prompt_tokens, visual_tokens } = second.result;
  assert.deepEqual(reused.visual_tokens, visual_tokens);
  assert.deepEqual(second.took, { frames: 0, vision: 0, prefill: prompt_tokens - reused.prompt_tokens });
  assert.ok(prompt_tokens - reused.prompt_tokens < prompt_tokens - visual_tokens, `${reused.prompt_tokens} of ${prompt_tokens}`);
  assert.deepEqual((await asked(model, about(clip, 'What moves?'))).took.vision, 0);
});

test('the next turn of a conversation reads what is new in it alone', async () => {
  await using model = await load(dir, { threads: 1 });
  const start = about(clip, 'What moves?');
  const first = await asked(model, start);
  const turn: ChatMessage[] = [...start, { role: 'assistant', content: 'A square.' }, { role: 'user', content: 'And then?' }];
  const second = await asked(model, turn);
  assert.equal(second.result.reused.prompt_tokens, first.result.prompt_tokens);
  assert.equal(second.took.prefill, second.result.prompt_tokens - first.result.prompt_tokens);
  const third = await asked(model, [...turn, { role: 'assistant', content: 'It stops.' }, { role: 'user', content: [{ type: 'video', video: other }, { type: 'text', text: 'Here too?' }] }]);
  assert.equal(third.result.reused.prompt_tokens, second.result.prompt_tokens);
  assert.equal(third.took.vision, 1); // the new clip
});

test('another text before the clip: it is read anew, but not decoded or encoded', async () => {
  await using model = await load(dir, { threads: 1 });
  await asked(model, about(clip, 'What?'));
  const { result, took } = await asked(model, [{ role: 'system', content: 'Be short.' }, ...about(clip, 'What?')]);
  assert.deepEqual([took.frames, took.vision, took.prefill], [0, 0, result.prompt_tokens]);
  assert.deepEqual(result.reused, { visual_tokens: result.visual_tokens, prompt_tokens: 0 });
});

/** Settings that change pixels or positions, for each what is done again. */
const changed: [name: string, options: QuestionOptions, vision: number][] = [
  ['frames', { sampling: { rule: 'count', frames: 6 } }, 1],
  ['times', { sampling: { rule: 'times', times: [0, 0.5, 1, 2.9] } }, 1],
  ['size', { max_pixels: 9408 }, 1],
  ['least size', { min_pixels: 60_000 }, 1],
  ['damage let pass', { read: { isolate: false, partial: true } }, 1],
  ['how tokens are chosen', { do_sample: true, temperature: 3, seed: 4 }, 0],
];

for (const [name, more, vision] of changed)
  test(`other settings: ${name}`, async () => {
    await using model = await load(dir, { threads: 1 });
    await asked(model, about(clip, 'What?'));
    assert.equal((await asked(model, about(clip, 'What?'), more)).took.vision, vision);
    assert.equal((await asked(model, about(clip, 'What?'), more)).took.vision, 0);
  });

test('the scope of temporal attention: videos that were joined are not taken for single ones', async () => {
  await using model = await load(dir, { threads: 1 });
  const two: ChatMessage[] = [{ role: 'user', content: [{ type: 'video', video: clip }, { type: 'text', text: 'and' }, { type: 'video', video: clip }, { type: 'text', text: 'Which?' }] }];
  assert.equal((await asked(model, two)).took.vision, 1); // the same clip twice is one
  const joined = await asked(model, two, { temporal_scope: 'all' });
  assert.deepEqual([joined.took.vision, joined.result.reused], [1, { visual_tokens: 0, prompt_tokens: 0 }]);
  assert.equal((await asked(model, two, { temporal_scope: 'all' })).took.vision, 0);
  assert.equal((await asked(model, two)).took.vision, 0);
});

test('time as positions: the visual tokens stay, keys and values do not', async () => {
  await using model = await load(`${goldens}models/staveq2_5`, { threads: 1 });
  const ask = async (more: QuestionOptions) => (await model.generate(about(clip, 'What?'), { ...options, sampling: { rule: 'qwen', fps: 3 }, ...more }).result()).reused;
  assert.deepEqual(await ask({}), { visual_tokens: 0, prompt_tokens: 0 });
  const { visual_tokens, prompt_tokens } = await ask({ time_rounding: 'reference' });
  assert.ok(visual_tokens > 0);
  assert.equal(prompt_tokens, 0);
  assert.ok((await ask({ time_rounding: 'reference' })).prompt_tokens > 0);
});

test('a file with another content is another clip, whatever its size and time; the same content elsewhere is the same', async () => {
  await using model = await load(dir, { threads: 1 });
  const [file, copy] = [join(folder, 'a.mp4'), join(folder, 'b.mp4')];
  await copyFile(clip, file);
  await asked(model, about(file, 'What?'));
  await copyFile(file, copy);
  assert.equal((await asked(model, about(copy, 'What?'))).took.vision, 0);
  const bytes = await readFile(file);
  const damaged = Buffer.from(bytes);
  damaged.fill(0x55, bytes.length - 200, bytes.length - 150);
  await utimes(file, 1e9, 1e9);
  await writeFile(file, damaged);
  await utimes(file, 1e9, 1e9);
  const before = done.vision;
  await model.generate(about(file, 'What?'), { ...options, read: { isolate: false, partial: true } }).result();
  assert.equal(done.vision, before + 1);
  await copyFile(other, file);
  assert.equal((await asked(model, about(file, 'What?'))).took.vision, 1);
});

test('frames in memory are told by their bytes', async () => {
  await using model = await load(dir, { threads: 1 });
  const frames: FrameInput[] = [];
  for await (const frame of decode(clip, { pick: [0, 20, 40, 60] })) frames.push(frame);
  assert.equal((await asked(model, about(frames, 'What?'))).took.vision, 1);
  assert.equal((await asked(model, about(frames.map((frame) => ({ ...frame, data: frame.data.slice() })), 'Why?'))).took.vision, 0);
  frames[2].data[1000] ^= 0x80;
  assert.equal((await asked(model, about(frames, 'What?'))).took.vision, 1);
  assert.equal((await asked(model, about(frames.toReversed(), 'What?'))).took.vision, 1);
});

test('a batch shares the work on a clip, questions side by side too', async () => {
  await using model = await load(dir, { threads: 1 });
  const [questions, out] = [join(folder, 'q.jsonl'), join(folder, 'a.jsonl')];
  await writeFile(questions, [clip, clip, other, clip, other].map((video, id) => `${JSON.stringify({ id, video, question: `What is ${id}?` })}\n`).join(''));
  await answerBatch(model, questions, out, options);
  assert.equal(done.vision, 2);
  const lines = (await readFile(out, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as AnswerResult);
  assert.deepEqual(lines.map(({ reused, visual_tokens }) => reused.visual_tokens === visual_tokens), [false, true, false, true, true]);
  assert.ok(lines[1].reused.prompt_tokens > 0);
  for (const [id, line] of lines.entries()) assert.equal(line.text, (await forgetful.ask(line.media[0].path!, `What is ${id}?`, options).result()).text);
});

test('a question that waits for another’s work does it itself when that one is aborted', async () => {
  await using model = await load(dir, { threads: 1 });
  const alone = await forgetful.generate(about(clip, 'Why?'), options).result();
  const stop = new AbortController();
  const first = model.generate(about(clip, 'What?'), { ...options, read: {}, signal: stop.signal }).result();
  const second = model.generate(about(clip, 'Why?'), { ...options, read: {} }).result();
  setTimeout(() => stop.abort(), 30);
  await assert.rejects(first, { name: 'AbortError' });
  assert.deepEqual((await second).token_ids, alone.token_ids);
});

test('the bound is kept: what was used longest ago goes, and with 0 nothing stays', async () => {
  const one = await load(dir, { threads: 1 });
  const { visual_tokens } = (await asked(one, about(clip, 'What?'))).result;
  await one.dispose();
  await using model = await load(dir, { threads: 1, reuse: visual_tokens * one_row * 1.5 }); // visual tokens of one clip
  await asked(model, about(clip, 'What?'));
  assert.equal((await asked(model, about(clip, 'Why?'))).took.vision, 0);
  await asked(model, about(other, 'What?'), { max_pixels: 40_000 });
  assert.equal((await asked(model, about(clip, 'What?'))).took.vision, 1);
  await assert.rejects(load(dir, { reuse: -1 }), { code: 'USAGE', message: /reuse is -1/ });
});

test('disposing a model frees what it kept', () => {
  const reuse = new Reuse(100);
  const encoded = { bytes: 60, parts: [], damage: [] };
  reuse.encoded.set('a', encoded);
  reuse.encoded.set('b', encoded);
  assert.deepEqual([reuse.encoded.get('a'), reuse.encoded.get('b'), reuse.bytes], [undefined, encoded, 60]);
  reuse.close();
  reuse.encoded.set('c', encoded); // an answer that ends late
  assert.deepEqual([reuse.encoded.get('b'), reuse.encoded.get('c'), reuse.bytes], [undefined, undefined, 0]);
});

/** Bytes of a visual token. */
const one_row = 4 * (JSON.parse(await readFile(`${dir}/config.json`, 'utf8')) as { hidden_size: number }).hidden_size;
