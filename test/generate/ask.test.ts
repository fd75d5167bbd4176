import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load, planVideo, type FrameInput } from '../../src/generate/index.ts';
import { decode, encodeVideo } from '../../src/video/index.ts';
import { picturesOf } from '../../src/video/pictures.ts';
import { openWeights } from '../../src/weights/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`; // 90 frames, 30 a second, 192×144
const dir = `${goldens}models/staveq2`;
const model = await load(dir, { threads: 1 });
after(() => model.dispose());

type Case = { name: string; messages: { role: 'user'; content: { type: string; text?: string }[] }[]; input_ids: number[]; greedy: number[]; greedy_text: string; video_grid_thw: number[][] };
const { cases } = JSON.parse(readFileSync(`${dir}/cases.json`, 'utf8')) as { cases: Case[] };
const greedy = { do_sample: false, max_new_tokens: 24 } as const;

async function goldenFrames(name: string): Promise<FrameInput[]> {
  await using inputs = await openWeights(`${goldens}models/inputs.safetensors`);
  const [, height, width] = inputs.info(name).shape;
  return picturesOf((await inputs.read(name)) as Uint8Array, width, height);
}

test('a question about frames is answered as transformers answers it, piece by piece', async () => {
  const golden = cases.find(({ name }) => name === 'video')!;
  const answer = model.ask(await goldenFrames('video.frames.0'), golden.messages[0].content[1].text!, greedy);
  let text = '';
  for await (const piece of answer) text += piece;
  const result = await answer.result();
  assert.deepEqual(result.token_ids, golden.greedy);
  assert.equal(text, golden.greedy_text);
  assert.equal(result.text, text);
  assert.equal(result.finish_reason, 'length');
  assert.equal(result.prompt_tokens, golden.input_ids.length);
  assert.deepEqual(result.grid, golden.video_grid_thw[0]);
  assert.deepEqual(result.frames, Array.from({ length: 8 }, (_, index) => ({ index, time: null })));
  assert.equal(result.visual_tokens, 48);
});

test('an answer that the model ends says so', async () => {
  const golden = cases.find(({ name }) => name === 'image')!; // its 12th token ends it
  await using inputs = await openWeights(`${goldens}models/inputs.safetensors`);
  const [height, width] = inputs.info('image.image.0').shape;
  const picture = { data: (await inputs.read('image.image.0')) as Uint8Array, height, width };
  const result = await model.generate([{ role: 'user', content: [{ type: 'image', image: picture }, { type: 'text', text: golden.messages[0].content[1].text! }] }], greedy).result();
  assert.deepEqual(result.token_ids, golden.greedy);
  assert.equal(result.finish_reason, 'stop');
  assert.equal(result.text, golden.greedy_text);
});

test('another token may end it, and no other does then; what is said already can be made unlikely', async () => {
  const { token_ids } = await model.ask(clip, 'What moves?', greedy).result();
  const id = token_ids[3];
  const token = model.loaded.files.tokenizer.token(id)!;
  const ended = await model.ask(clip, 'What moves?', { ...greedy, eos_token: token }).result();
  assert.deepEqual([ended.token_ids, ended.finish_reason], [token_ids.slice(0, token_ids.indexOf(id) + 1), 'stop']);
  await assert.rejects(model.ask(clip, 'What moves?', { ...greedy, eos_token: 'no such token' }).result(), { code: 'USAGE', message: /eos_token is "no such token"/ });
  const { token_ids: fresh } = await model.ask(clip, 'What moves?', { ...greedy, presence_penalty: 100 }).result();
  assert.ok(new Set(token_ids).size < token_ids.length, 'it repeats itself');
  assert.equal(new Set(fresh).size, fresh.length);
});

test('a file is answered as its decoded frames are, and the answer tells which', async () => {
  const sampling = { rule: 'count', frames: 5 } as const;
  const fromFile = await model.ask(clip, 'What moves?', { ...greedy, sampling }).result();
  assert.deepEqual(fromFile.frames.map(({ index }) => index), [0, 22, 44, 67, 89]);
  const frames: FrameInput[] = [];
  for await (const frame of decode(clip, { pick: [0, 22, 44, 67, 89] })) frames.push(frame);
  const fromFrames = await model.ask(frames, 'What moves?', greedy).result();
  assert.deepEqual(fromFrames.token_ids, fromFile.token_ids);
  assert.deepEqual(fromFrames.frames, fromFile.frames);
  assert.deepEqual(fromFile.grid, [3, 10, 14]); // 5 frames make 3 groups; 192×144 becomes 196×140
  assert.deepEqual(fromFile.sizes, { source: { width: 192, height: 144 }, input: { width: 196, height: 140 } });
  assert.deepEqual(fromFile.sampling.frames, { value: sampling, from: 'option' });
});

test('a clip with fewer frames than asked for shows some twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-ask-'));
  const file = join(folder, 'three.mp4');
  await encodeVideo(file, [20, 120, 220].map((grey) => ({ width: 112, height: 84, data: new Uint8Array(112 * 84 * 3).fill(grey) })), { fps: 10, codec: 'h264' });
  const repeated = await model.ask(file, 'What moves?', { ...greedy, sampling: { rule: 'count', frames: 5, repeat: true } }).result();
  assert.deepEqual(repeated.frames.map(({ index }) => index), [0, 0, 1, 2, 2]);
  const frames: FrameInput[] = [];
  for await (const frame of decode(file)) frames.push(frame);
  await rm(folder, { recursive: true });
  const [a, b, c] = frames;
  assert.deepEqual(repeated.token_ids, (await model.ask([a, a, b, c, c], 'What moves?', greedy).result()).token_ids);
  assert.notDeepEqual(repeated.token_ids, (await model.ask([a, b, c, c, c], 'What moves?', greedy).result()).token_ids);
});

const drawn = async (seed: number) => (await model.ask(clip, 'What?', { temperature: 5, top_k: 0, top_p: 1, max_new_tokens: 8, seed }).result()).token_ids.join();

test('sampling is seeded', async () => {
  const [one, again, other] = [await drawn(1), await drawn(1), await drawn(2)];
  assert.equal(one, again);
  assert.notEqual(one, other);
});

test('a plan tells what the answer then uses, without an engine', async () => {
  const question = 'What happens?';
  const plan = await planVideo(dir, clip, question, { max_new_tokens: 4 });
  const result = await model.ask(clip, question, { max_new_tokens: 4 }).result();
  assert.deepEqual(plan.media, result.media);
  assert.equal(plan.prompt_tokens, result.prompt_tokens);
  assert.equal(plan.visual_tokens, (plan.media[0].grid[0] * plan.media[0].grid[1] * plan.media[0].grid[2]) / 4);
  assert.deepEqual(plan.sampling, result.sampling.frames);
  const { codec, duration, rotation, frames } = plan;
  assert.deepEqual({ codec, duration, rotation }, { codec: 'h264', duration: 3, rotation: 0 });
  assert.deepEqual(frames, result.frames);
});

const within = (limits: object, options = {}) => model.plan(clip, 'What?', { limits, ...options });

test('limits are checked before decoding, with the numbers', async () => {
  await assert.rejects(within({ tokens: 100 }), { code: 'LIMIT', message: /take 3\d\d tokens, 100 are allowed[^]*4 frames make 70 visual tokens/ });
  await assert.rejects(within({ memory: 1e6 }), { code: 'LIMIT', message: /MB of memory, 1 MB can be had/ });
  await assert.rejects(within({}, { max_new_tokens: 40_000 }), { code: 'LIMIT', message: /32768 are allowed/ });
});

const asked = (options: object, video: string | FrameInput[] = clip) => model.ask(video, 'What?', options).result();

test('wrong options and videos are refused by name', async () => {
  await assert.rejects(asked({ temperature: -1 }), { code: 'USAGE', message: /temperature is -1/ });
  await assert.rejects(asked({ sampling: { rule: 'random' } }), { code: 'USAGE', message: /"random"/ });
  await assert.rejects(asked({ sampling: { rule: 'times', times: [7] } }), { code: 'USAGE', message: /no frame at 7 s/ });
  await assert.rejects(asked({ min_pixels: 10, max_pixels: 5 }), { code: 'USAGE' });
  await assert.rejects(asked({}, `${goldens}video/nowhere.mp4`), { code: 'VIDEO_MISSING' });
  await assert.rejects(asked({}, `${goldens}video/text.mp4`), { code: 'VIDEO_UNREADABLE' });
  await assert.rejects(asked({}, []), { code: 'VIDEO_NO_FRAMES' });
});

test('an abort ends the answer with the signal’s reason and leaves the model usable', async () => {
  const controller = new AbortController();
  const answer = model.ask(clip, 'What?', { max_new_tokens: 5000, repetition_penalty: 1.5, signal: controller.signal });
  const reason = new Error('enough');
  await assert.rejects(async () => {
    let pieces = 0;
    for await (const _ of answer) if (++pieces === 3) controller.abort(reason);
  }, reason);
  await assert.rejects(answer.result(), reason);
  await assert.rejects(model.ask(clip, 'What?', { signal: AbortSignal.abort(reason) }).result(), reason);
  assert.equal((await model.ask(clip, 'What?', { max_new_tokens: 2, do_sample: false }).result()).token_ids.length, 2);
});

test('leaving the loop early ends the answer', async () => {
  const answer = model.ask(clip, 'What?', { max_new_tokens: 5000 });
  for await (const _ of answer) break;
  await assert.rejects(answer.result(), { code: 'ABORTED' });
  await assert.rejects(async () => { for await (const _ of answer); }, { code: 'USAGE' });
});

const greedily = (question: string) => model.ask(clip, question, greedy).result();

test('two answers at once do not disturb each other', async () => {
  const [a, b] = await Promise.all([greedily('What moves?'), greedily('Which colour?')]);
  assert.deepEqual(a.token_ids, (await greedily('What moves?')).token_ids);
  assert.deepEqual(b.token_ids, (await greedily('Which colour?')).token_ids);
});

test('a folder that is no model is refused', async () => {
  await assert.rejects(load(`${goldens}video`), { code: 'MODEL_MISSING' });
});

test('what is no frame and no known part is refused', async () => {
  const short = [{ data: new Uint8Array(10), width: 84, height: 84 }];
  await assert.rejects(model.ask(short, 'What moves?').result(), { code: 'USAGE', message: /frame 0 holds 10 bytes/ });
  const sound = { type: 'audio', audio: 'a.wav' } as unknown as { type: 'text'; text: string };
  await assert.rejects(model.generate([{ role: 'user', content: [sound] }]).result(), { code: 'USAGE', message: /audio/ });
});
