/** Decisions against their definition: the probability of each answer from a forward pass of its own through the plain language graph. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { actions } from '../../src/clips/index.ts';
import { boxClips, boxModel, load, type Choices, type DecideOptions, type FrameInput } from '../../src/generate/index.ts';
import { openModelFiles } from '../../src/generate/model-files.ts';
import type { Tensor } from '../../src/graph/index.ts';
import { languageGraph, mropeTables, pixelValues, ropeIndex, spaceTables, timeTables, visionGraph } from '../../src/models/qwen2vl/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { actionQuestion } from '../../src/tasks/index.ts';
import { encodeConversation } from '../../src/text/index.ts';
import { decode } from '../../src/video/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`;
const dirs = { staveq2: `${goldens}models/staveq2`, box: boxModel };
const runtime = await Runtime.create({ threads: 1 });
const models = { staveq2: await load(dirs.staveq2, { threads: 1 }), box: await load(dirs.box, { threads: 1 }) };
after(() => Promise.all([runtime.dispose(), models.staveq2.dispose(), models.box.dispose()]));
const frames: FrameInput[] = [];
for await (const frame of decode(clip, { pick: [0, 20, 40, 60] })) frames.push(frame);

const int64 = (dims: number[], values: readonly number[]): Tensor => ({ dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) });
const float32 = (dims: number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data });

/** Teacher forcing: the whole conversation with one answer in one pass, no cache, no sections, no branches. @returns log P of each token that the template has the assistant write, up to the end of the turn */
async function definition(name: keyof typeof dirs, question: string, answer: string): Promise<number[]> {
  const { model, tokenizer, template, generation } = await openModelFiles(dirs[name]);
  const { config } = model;
  const { vision_config: vision } = config;
  const { pixel_values, grid } = pixelValues(frames, model.video_preprocessor);
  const [T, h, w] = grid;
  const d = vision.embed_dim / vision.num_heads;
  const [space, time] = [spaceTables(h, w, d, 2), timeTables(T, d)];
  const seeing = await runtime.compile(visionGraph(model));
  const { embeds } = await seeing.run({ pixel_values: float32([1, T, h * w, pixel_values.length / (T * h * w)], pixel_values), space_cos: space.cos, space_sin: space.sin, time_cos: time.cos, time_sin: time.sin });
  const V = embeds.dims[0];
  const { ids, answerSpans } = encodeConversation(tokenizer, template, [{ role: 'user', content: [{ type: 'video' }, { type: 'text', text: question }] }, { role: 'assistant', content: answer }], { videoTokens: [V] });
  const [{ start }] = answerSpans;
  const S = ids.findIndex((id, i) => i >= start && generation.eos_token_id.includes(id)) + 1;
  const head_dim = config.hidden_size / config.num_attention_heads;
  const { position_ids } = ropeIndex(ids.slice(0, S), { videos: [grid] }, { ...config, spatial_merge_size: 2 });
  const { cos, sin } = mropeTables(position_ids, { head_dim, rope_theta: config.rope_theta, mrope_section: config.rope_scaling.mrope_section });
  const bias = Float32Array.from({ length: S * S }, (_, i) => (i % S > Math.floor(i / S) ? -1e9 : 0));
  let seen = 0;
  const past = Object.fromEntries(Array.from({ length: config.num_hidden_layers }, (_, i) => ['key', 'value'].map((kind) => [`past_${kind}.${i}`, float32([1, config.num_key_value_heads, 0, head_dim], new Float32Array())])).flat());
  const reading = await runtime.compile(languageGraph(model));
  const { logits } = await reading.run({
    input_ids: int64([1, S], ids.slice(0, S)), visual_embeds: embeds, embed_index: int64([S], ids.slice(0, S).map((id, i) => (id === config.video_token_id ? S + seen++ : i))),
    cos: float32([1, S, head_dim], cos), sin: float32([1, S, head_dim], sin), attention_bias: float32([1, 1, S, S], bias), logits_index: int64([S], Array.from({ length: S }, (_, i) => i)), ...past,
  }, { fetch: ['logits'] });
  return Array.from({ length: S - start }, (_, i) => {
    const row = (logits.data as Float32Array).subarray((start + i - 1) * config.vocab_size, (start + i) * config.vocab_size);
    return row[ids[start + i]] - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
  });
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const close = (actual: number, expected: number, tolerance = 1e-5) => assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} for ${expected}`);

const cases: [name: keyof typeof dirs, question: string, choices: string[]][] = [
  ['staveq2', 'What moves?', ['open', 'close', 'push', 'push it away', 'push it away from the wall, slowly', 'Straße 東京']],
  ['box', actionQuestion, Object.values(actions).map((action) => `The action happening in this video is: ${action}`)],
];

for (const [name, question, choices] of cases)
  test(`${name}: probabilities equal those of ${choices.length} forward passes`, async () => {
    const expected: number[][] = [];
    for (const choice of choices) expected.push(await definition(name, question, choice));
    const { choices: found, mass, ...decision } = await models[name].decide(frames, question, choices);
    for (const [i, { choice, logprob, spellings }] of found.entries()) {
      assert.equal(choice, choices[i]);
      assert.equal(spellings[0].tokens, expected[i].length);
      close(logprob, sum(expected[i]));
    }
    const weights = expected.map((logprobs) => Math.exp(sum(logprobs)));
    close(mass, sum(weights));
    for (const [i, { probability }] of found.entries()) close(probability, weights[i] / sum(weights));
    assert.equal(decision.choice, choices[weights.indexOf(Math.max(...weights))]);

    const means = expected.map((logprobs) => Math.exp(sum(logprobs) / logprobs.length / 2));
    const mean = await models[name].decide(frames, question, choices, { normalize: 'mean', temperature: 2 });
    for (const [i, { probability }] of mean.choices.entries()) close(probability, means[i] / sum(means));
    close(mean.mass, mass); // neither concerns how likely an answer is
  });

test('without the end of the turn a choice is all answers that begin so', async () => {
  const choices = ['open', 'close', 'push it'];
  const { choices: found, mass } = await models.staveq2.decide(frames, 'What moves?', choices, { end_of_turn: false });
  for (const [i, { logprob }] of found.entries()) close(logprob, sum((await definition('staveq2', 'What moves?', choices[i])).slice(0, -1)));
  close(mass, sum(found.map(({ logprob }) => Math.exp(logprob))));
});

test('more branches than go through the model at once', async () => {
  const choices = Array.from({ length: 80 }, (_, i) => `${(i * 7919) % 1009} of the ${i} squares and so many more words that it takes long`);
  const { choices: found } = await models.staveq2.decide(frames, 'What moves?', choices);
  assert.ok(sum(found.map(({ spellings }) => spellings[0].tokens)) > 1100);
  for (const i of [0, 41, 79]) close(found[i].logprob, sum(await definition('staveq2', 'What moves?', choices[i])));
});

test('yes or no: the spellings of each add up', async () => {
  const { choices, choice } = await models.box.decide(`${boxClips}/rising.mp4`, 'Is the green bar rising in this video?', 'yes/no');
  assert.deepEqual(choices.map(({ choice }) => choice), ['Yes', 'No']);
  assert.deepEqual(choices[0].spellings.map(({ text }) => text), ['Yes', 'Yes.', 'yes', 'yes.']);
  for (const { logprob, spellings } of choices) close(Math.exp(logprob), sum(spellings.map((spelling) => Math.exp(spelling.logprob))));
  close(sum(choices.map(({ probability }) => probability)), 1);
  const { text } = await models.box.ask(`${boxClips}/rising.mp4`, 'Is the green bar rising in this video?').result();
  assert.equal(`${choice}.`, text); // the model writes "Yes."
  const open = await models.box.decide(frames, 'Is it?', 'yes/no', { end_of_turn: false });
  assert.deepEqual(open.choices[1].spellings.map(({ text }) => text), ['No', 'no']); // "No." begins with "No"
});

test('numbers: the score is their mean by probability', async () => {
  const { score, choices } = await models.staveq2.decide(frames, 'How fast, from 1 to 5?', [1, 2, 3, 4, 5.5]);
  close(score!, sum(choices.map(({ choice, probability }) => Number(choice) * probability)));
  assert.ok(score! > 1 && score! < 5.5);
  assert.equal((await models.staveq2.decide(frames, 'How?', ['1', '2'])).score, null);
});

test('the model in the box decides as it answers', async () => {
  const labels = readFileSync(`${boxClips}/labels.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { video: string; kind: string; question: string });
  const choices = Object.values(actions).map((action) => `The action happening in this video is: ${action}`);
  let compared = 0;
  for (const { video, question } of labels.filter(({ kind }) => kind === 'action')) {
    const { text } = await models.box.ask(`${boxClips}/${video}`, question).result();
    const { choice, mass, reused, visual_tokens } = await models.box.decide(`${boxClips}/${video}`, question, choices);
    assert.equal(reused.visual_tokens, visual_tokens);
    if (!choices.includes(text)) continue;
    assert.equal(choice, text);
    assert.ok(mass > 0.9, `${video}: ${mass}`);
    compared++;
  }
  assert.ok(compared >= 5, String(compared));
});

const wrong: [choices: unknown, options: DecideOptions, message: RegExp][] = [
  [['open'], {}, /there is one choice to decide between/],
  [[], {}, /there are no choices/],
  ['open', {}, /there are no choices/],
  [['open', ' '], {}, /choice 2 is empty/],
  [['open', 7n], {}, /choice 2 is 7/],
  [['open', NaN], {}, /choice 2 is NaN/],
  [['open', []], {}, /choice 2 is an empty list/],
  [['open', 'close', 'open'], {}, /the choice "open" is given twice/],
  [[['open', 'opened'], 'opened'], {}, /the choices "open" and "opened" are the same answer/],
  [['caf\u00e9', 'cafe\u0301'], {}, /are the same answer/],
  [['push', 'push it'], { end_of_turn: false }, /the choice "push it" begins with the choice "push"/],
  [['open', '\nclose'], {}, /the choice "\\nclose" cannot follow the prompt/],
  [['open', 'close'], { temperature: 0 }, /temperature is 0/],
  [['open', 'close'], { normalize: 'length' as 'sum' }, /normalize is "length"/],
];

test('what is no choice is refused by name, before anything is decoded', async () => {
  for (const [choices, options, message] of wrong) await assert.rejects(models.staveq2.decide('nowhere.mp4', 'What?', choices as Choices, options), { code: 'USAGE', message });
  await assert.rejects(models.staveq2.decide('nowhere.mp4', 'What?', ['open', 'close']), { code: 'VIDEO_MISSING' });
  await assert.rejects(models.staveq2.decide(frames, 'What?', ['open', 'close'], { signal: AbortSignal.abort() }), { name: 'AbortError' });
});
