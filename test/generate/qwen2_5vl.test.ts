/** Qwen2.5-VL from a video to an answer: time in seconds, files of images and of videos. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StaveError } from '../../src/errors.ts';
import { load, planVideo, type AnswerResult, type ChatMessage, type ChatPart, type FrameInput } from '../../src/generate/index.ts';
import { picturesOf } from '../../src/video/pictures.ts';
import { openWeights } from '../../src/weights/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`; // 90 frames, 30 a second, 192×144
const greedy = { do_sample: false, max_new_tokens: 24 } as const;

type Case = { name: string; fps: number | null; messages: { content: { type: string; text?: string }[] }[]; second_per_grid_ts: number[] | null; greedy: number[] };

/** The case's frames, each with its time, or its image. */
async function messagesOf(dir: string, { name, fps, messages }: Case): Promise<ChatMessage[]> {
  await using recorded = await openWeights(`${dir}/expected.safetensors`);
  const stored = fps === null ? `${name}.image.0` : `${name}.frames.0`;
  const [height, width] = recorded.info(stored).shape.slice(-3);
  const frames = picturesOf((await recorded.read(stored)) as Uint8Array, width, height).map((picture, i): FrameInput => ({ ...picture, ...(fps !== null && { time: i / fps }) }));
  const text = { type: 'text', text: messages[0].content[1].text! } as const;
  return [{ role: 'user', content: [fps === null ? { type: 'image', image: frames[0] } : { type: 'video', video: frames }, text] }];
}

for (const name of ['qwen2_5vl', 'staveq2_5']) {
  const dir = `${goldens}models/${name}`;
  const { cases } = JSON.parse(readFileSync(`${dir}/cases.json`, 'utf8')) as { cases: Case[] };
  const model = await load(dir, { threads: 1 });
  after(() => model.dispose());

  test(`${name}: every recorded question is answered as transformers answers it`, async () => {
    for (const reference of cases) {
      const result = await model.generate(await messagesOf(dir, reference), { ...greedy, time_rounding: 'reference' }).result();
      assert.deepEqual(result.token_ids, reference.greedy, reference.name);
      assert.equal(result.media[0].second_per_grid_t, reference.second_per_grid_ts?.[0] ?? null, reference.name);
      assert.equal(result.time_rounding, 'reference');
    }
  });

  test(`${name}: exact time is another answer only where seconds are no whole number`, async () => {
    for (const reference of cases) {
      const { token_ids, time_rounding } = await model.generate(await messagesOf(dir, reference), greedy).result();
      assert.equal(time_rounding, 'exact');
      if (reference.name !== 'video_odd_frames') assert.deepEqual(token_ids, reference.greedy, reference.name);
    }
  });

  test(`${name}: a file, and what a plan says of it`, async () => {
    const sampling = { rule: 'count', frames: 6 } as const;
    const plan = await planVideo(dir, clip, 'What moves?', { ...greedy, sampling });
    const result = await model.ask(clip, 'What moves?', { ...greedy, sampling }).result();
    assert.deepEqual(plan.media, result.media);
    assert.deepEqual(plan.grid, [3, 10, 14]);
    assert.equal(plan.visual_tokens, 105);
    assert.ok(Math.abs(plan.media[0].second_per_grid_t! - (2 * (89 / 30)) / 5) < 1e-9); // 6 frames, from the first to the last
    assert.equal(plan.prompt_tokens, result.prompt_tokens);
    assert.deepEqual(plan.pixels.max_pixels, { value: 602112, from: 'video_preprocessor_config.json' });
    assert.deepEqual(result.sampling.image_pixels.max_pixels, { value: 1003520, from: 'preprocessor_config.json' });
  });
}

const secondsOf = async (options: object) => (await planVideo(`${goldens}models/qwen2_5vl`, clip, '', options)).media[0].second_per_grid_t;

test('the rules of qwen-vl-utils and of the harness count seconds as these do', async () => {
  assert.equal(await secondsOf({ sampling: { rule: 'qwen', fps: 2 } }), 1); // 6 of 3 s
  assert.equal(await secondsOf({ sampling: { rule: 'qwen', fps: 4 } }), 0.5);
  assert.equal(await secondsOf({ sampling: { rule: 'lmms', max_frames: 4 } }), 1);
  assert.equal(await secondsOf({ sampling: { rule: 'times', times: [0, 1, 2] } }), 2);
  assert.equal(await secondsOf({ sampling: { rule: 'count', frames: 1 } }), null);
});

test('a plan of images and videos in any order has the sizes of each kind', async () => {
  const model = await load(`${goldens}models/qwen2_5vl`, { threads: 1 });
  after(() => model.dispose());
  const large: FrameInput = { data: new Uint8Array(1120 * 840 * 3), width: 1120, height: 840 }; // 940,800 pixels: over the bound of videos alone
  const small: FrameInput = { data: new Uint8Array(56 * 56 * 3), width: 56, height: 56 };
  const content = [{ type: 'video', video: [small, small] }, { type: 'image', image: small }, { type: 'text', text: 'And' }, { type: 'video', video: [small] }, { type: 'image', image: small }] as const;
  const { media }: AnswerResult = await model.generate([{ role: 'user', content: [...content] }], { ...greedy, max_new_tokens: 1 }).result();
  assert.deepEqual(media.map(({ kind, grid, second_per_grid_t }) => [kind, grid, second_per_grid_t]), [['video', [1, 4, 4], null], ['image', [1, 4, 4], null], ['video', [1, 4, 4], null], ['image', [1, 4, 4], null]]);
  const tokens = async (part: ChatPart) => {
    const error = await model.generate([{ role: 'user', content: [part] }], { limits: { memory: 1 } }).result().then(() => assert.fail(), (error: StaveError) => error);
    return Number(/1 frames make (\d+) visual tokens/.exec(error.why ?? '')?.[1]);
  };
  assert.equal(await tokens({ type: 'image', image: large }), (1120 * 840) / 28 ** 2);
  assert.equal(await tokens({ type: 'video', video: [large] }), (896 * 672) / 28 ** 2);
});
