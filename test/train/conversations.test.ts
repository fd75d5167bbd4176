/** Training on conversations from files. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { readRow } from '../../src/data/index.ts';
import { StaveError } from '../../src/errors.ts';
import { decide } from '../../src/generate/decide/decide.ts';
import { describe, openModelFiles, type ModelFiles } from '../../src/generate/model-files.ts';
import { Reuse } from '../../src/generate/reuse/reuse.ts';
import { graph } from '../../src/graph/index.ts';
import type { ChatMessage, ChatPart } from '../../src/index.ts';
import { checkpointParams } from '../../src/models/checkpoint-params.ts';
import { languageGraph, mropeTables, textPositions, visionParts, type Qwen2VL } from '../../src/models/qwen2vl/index.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import { conversationBatches, type Conversations } from '../../src/train/conversations.ts';
import { train, type TrainProgress } from '../../src/train/index.ts';
import { startModel } from '../../src/train/model.ts';
import { parseRecipe, type Recipe } from '../../src/train/recipe.ts';
import type { ConversationData } from '../../src/train/recipe-data.ts';
import { openRunData, runData, type RunData } from '../../src/train/run-data.ts';
import { forward } from '../../src/train/step.ts';
import { clipFolder, picture, row } from '../data/clips.ts';
import { untimed } from './tiny.ts';

const clips = await clipFolder();
after(() => clips[Symbol.asyncDispose]());
const { folder, write } = clips;
const paramsOf = ({ weights, storedName }: Qwen2VL) => checkpointParams(weights, storedName);
const golden = (name: string) => fileURLToPath(new URL(`../goldens/models/${name}`, import.meta.url));

const parts = (...content: object[]) => ({ messages: [{ role: 'user', content }, { role: 'assistant', content: 'It moves.' }] });
const text = { type: 'text', text: 'What?' };
/** One of each kind: a video, two in one size, three in two sizes, images, frames in files, several turns, text alone. */
const rows = [
  row('a.mp4', 'What happens?', 'It moves.'),
  parts({ type: 'video', video: 'a.mp4' }, { type: 'video', video: 'a.mp4' }, text),
  parts({ type: 'video', video: 'a.mp4' }, { type: 'video', video: 'b.mp4' }, text, { type: 'video', video: 'a.mp4' }),
  parts({ type: 'image', image: '1.png' }, { type: 'video', frames: ['1.png', '2.png', '3.png', '4.png'], times: [0, 1, 2, 3] }, text),
  { messages: ['<video>One?', 'First.', 'Two?', 'The second one.'].map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })), videos: ['long.mp4'] },
  { messages: [{ role: 'user', content: 'Without a video?' }, { role: 'assistant', content: 'Without.' }] },
];

/** What a run of the recipe trains on. */
async function dataOf(recipe: Recipe, { tokenizer }: ModelFiles): Promise<RunData & { settings: { conversations: Conversations } }> {
  const model = await startModel(recipe, tokenizer);
  await model.close();
  return runData(recipe, model, await openRunData(recipe)) as Awaited<ReturnType<typeof dataOf>>;
}

let runs = 0;
async function recipeOf(data: object, changes: object = {}, init = golden('staveq2')): Promise<Recipe> {
  return parseRecipe(
    { out: `run-${runs++}`, init, trainable: ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'], data: { task: 'conversations', ...data }, batch: { accumulate: 3 }, optimizer: { lr: 0.003 }, schedule: { warmup_steps: 0 }, steps: 4, checkpoint: { every: 1 }, threads: 1, dtype: 'F32', ...changes },
    folder,
  );
}

const told = (code: string, message: RegExp) => (error: unknown) => error instanceof StaveError && error.code === code && message.test(error.message);

test('every kind of conversation is trained on; a run that is stopped and resumed ends as one that was not', async () => {
  const path = await write('all.jsonl', rows);
  const held = { eval: await write('held-out.jsonl', [rows[4]]) };
  const whole = await recipeOf({ path, ...held, workers: 2 });
  const seen: TrainProgress[] = [];
  const result = await train(whole, { onStep: (step) => seen.push(step) });
  assert.ok(result.finished && result.eval!.loss > 0 && seen.every(({ loss, grad_norm, gflops }) => loss > 1 && grad_norm > 0 && gflops > 0));
  assert.equal(result.eval!.kinds.answer.answers, 2);
  assert.equal((await untimed(whole.out)).filter((line) => 'clips' in line && line.clips === 3).length, 4);

  const halves = await recipeOf({ path: await write('moved.jsonl', rows), ...held }); // the same rows in another file, one worker
  const stop = new AbortController();
  assert.equal((await train(halves, { signal: stop.signal, onStep: ({ step }) => step === 2 && stop.abort() })).finished, false);
  await train(halves, { resume: true });
  assert.deepEqual(await untimed(halves.out), await untimed(whole.out));
  const [a, b] = await Promise.all([whole, halves].map(({ out }) => readFile(join(out, 'model', 'model.safetensors'))));
  assert.ok(a.equals(b), 'the same weights to the bit');

  const other = { ...halves, data: { ...halves.data, path: await write('other.jsonl', rows.slice(1)) } } as Recipe;
  await assert.rejects(train(other, { resume: true }), told('TRAIN', /what "data\.path" holds: "[0-9a-f]{16}" → "[0-9a-f]{16}"/));
});

/** A row's messages with their videos and images, as a question is asked. */
function askedIn(json: object): ChatMessage[] {
  const { messages, media } = readRow(JSON.stringify(json), folder).dialogue!;
  const left = [...media];
  const source = () => {
    const next = left.shift()!;
    return 'path' in next ? next.path : next.frames.map((file, i) => ({ ...picture(Number(basename(file, '.png'))), time: next.times![i] }));
  };
  const part = (p: Exclude<(typeof messages)[number]['content'], string>[number]): ChatPart => (p.type === 'text' ? p : p.type === 'video' ? { type: 'video', video: source() } : { type: 'image', image: source() as string });
  return messages.slice(0, -1).map(({ role, content }) => ({ role, content: typeof content === 'string' ? content : content.map(part) }));
}

for (const name of ['staveq2', 'staveq2_5'])
  test(`${name}: a row's answer is as likely in training as in use, whatever videos and images it has`, async () => {
    const path = await write(`${name}.jsonl`, rows);
    const recipe = await recipeOf({ path, window: 'start', learn: 'last', shuffle: false }, {}, golden(name));
    const files = await openModelFiles(golden(name));
    await using runtime = await Runtime.create({ threads: 1 });
    const loaded = { files, info: await describe(files.model, { name, dir: golden(name) }), device: { asked: 'cpu' as const, used: 'cpu' as const, why: null }, vision: runtime.compile(visionParts(files.model)), language: runtime.compile(languageGraph(files.model)), reuse: new Reuse(0), loadTime: 0 };
    for (const scope of ['item', 'all'] as const) {
      const { settings, normalize } = await dataOf({ ...recipe, data: { ...(recipe.data as ConversationData), temporal_scope: scope } }, files);
      const make = conversationBatches(settings.conversations, recipe.batch, files.model.config, files.tokenizer, files.template);
      const programs = new Map<number, Program>();
      for (const [index, json] of rows.entries()) {
        const batch = (await make({ set: 'train', index })) as Batch;
        assert.equal(batch.runs, [1, 1, 2, 2, 1, 0][index]);
        if (!programs.has(batch.runs!)) programs.set(batch.runs!, await runtime.compile(graph({ nll: forward(paramsOf(files.model), files.model.config, normalize, { runs: batch.runs! }).nll })));
        const program = programs.get(batch.runs!)!;
        const { nll } = await program.run(Object.fromEntries(program.inputs.map((input) => [input.name, batch.feeds[input.name]])));
        const total = (nll.data as Float32Array).subarray(0, -1).reduce((sum, x) => sum + x, 0); // but for the line break behind the end of the turn
        const answer = (json.messages.at(-1) as { content: string }).content;
        const { choices: [{ spellings }] } = await decide(loaded, askedIn(json), [answer, 'No.'], { temporal_scope: scope });
        const { logprob } = spellings.find(({ text }) => text === answer)!;
        assert.ok(total > 5 && Math.abs(total + logprob) < 1e-4 * total, `${scope}, row ${index}: ${total}, in use ${-logprob}`);
      }
    }
  });

test('a bad row is left out, told once, and no other one takes its place; too many end the run, which may go on', async () => {
  const path = await write('holes.jsonl', [row('a.mp4'), row('broken.mp4'), row('b.mp4'), row('b.mp4', 'Else?')]);
  const lines: string[] = [];
  const strict = await recipeOf({ path, max_bad: 0.2, shuffle: false }, { batch: {}, steps: 6 });
  await assert.rejects(train(strict), told('TRAIN', /^1 of 4 rows of .*holes\.jsonl could not be used, more than data\.max_bad \(0\.2\) allows\nline 2: .*not a video\n→ mend/));
  assert.equal((await untimed(strict.out)).length, 1);
  const recipe = { ...strict, data: { ...strict.data, max_bad: 0.25 } as ConversationData };
  const result = await train(recipe, { resume: true, onLog: (line) => lines.push(line) });
  assert.deepEqual([result.finished, result.skipped], [true, 1]);
  const why = `${join(folder, 'broken.mp4')} cannot be decoded: it is text, not a video`;
  assert.deepEqual(lines.filter((line) => /left out/.test(line)), [`${path}:2 is left out: ${why}`]);
  assert.deepEqual(JSON.parse(await readFile(join(recipe.out, 'skipped.jsonl'), 'utf8')), { step: 2, file: path, line: 2, why });
  const steps = (await untimed(recipe.out)).filter((line) => 'loss' in line) as { loss: number; clips: number }[];
  assert.deepEqual(steps.map(({ clips: count }) => count), [1, 0, 1, 1, 1, 0]); // the second time round too
  assert.ok(steps.every(({ loss, clips: count }) => (count === 0) === (loss === 0)));
});

test('held-out rows of which none can be used are told before the first step; where they get lost later, no step is', async () => {
  const path = await write('train.jsonl', [row('a.mp4')]);
  let steps = 0;
  const broken = await recipeOf({ path, eval: await write('held-broken.jsonl', [row('broken.mp4'), row('broken.mp4', 'Else?')]), max_bad: 1 });
  await assert.rejects(train(broken, { onStep: () => steps++ }), told('DATA', /^none of 2 held-out batches could be made\n/));
  assert.equal(steps, 0);

  const [clip, away] = ['moved.mp4', 'away.mp4'].map((name) => join(folder, name));
  await copyFile(join(folder, 'b.mp4'), clip);
  const recipe = await recipeOf({ path, eval: await write('held-moved.jsonl', [row('moved.mp4')]), max_bad: 1 }, { steps: 2, eval: { every: 2, clips: 1 }, checkpoint: { every: 2 } });
  await assert.rejects(train(recipe, { onStep: () => renameSync(clip, away) }), told('DATA', /^none of 1 held-out batches could be made\n/));
  renameSync(away, clip);
  const resumed: number[] = [];
  const result = await train(recipe, { resume: true, onStep: ({ step }) => resumed.push(step) });
  assert.deepEqual([result.finished, result.step, resumed], [true, 2, []]);
  assert.ok(result.eval!.loss > 0);
});

test('what is wrong with data is told before anything is made, in all files and all at once', async () => {
  const path = await write('wrong.jsonl', ['{', row('a.mp4'), row('none.mp4')]);
  const held = await write('held.jsonl', [row('a.mp4', 'What?', '')]);
  const recipe = await recipeOf({ path, eval: held });
  await assert.rejects(train(recipe), told('DATA', /wrong\.jsonl: 2 of 3 rows cannot be trained on\nline 1: .*\nline 3: there is no file .*none\.mp4\n.*held\.jsonl: 1 of 1 rows cannot be trained on\nline 1: messages\[1\]: the answer is empty\n→ /));
  await assert.rejects(readFile(join(recipe.out, 'recipe.json')), { code: 'ENOENT' });
  await assert.rejects(train(await recipeOf({ path: 'nowhere.jsonl' })), told('IO', /cannot read the data file/));
  await assert.rejects(recipeOf({ path, max_bad: 2 }), told('RECIPE', /data\.max_bad is 2/));
  await assert.rejects(recipeOf({ path, sampling: { rule: 'stave', fp: 2 } }), told('RECIPE', /data\.sampling\.fp is not a known field/));
  await assert.rejects(recipeOf({ path, frames: 8 }), told('RECIPE', /data\.frames is not a known field/));
  await assert.rejects(recipeOf({ path }, { eval: { clips: 3 } }), told('RECIPE', /eval\.clips is 3\nthere are no held-out conversations/));
});

test('positions are those of use, or counted through as in the authors\' training', async () => {
  const path = await write('positions.jsonl', [row('a.mp4')]);
  const cos = async (positions: string) => {
    const recipe = await recipeOf({ path, positions });
    const files = await openModelFiles(recipe.init!);
    const { settings } = await dataOf(recipe, files);
    const { feeds, sizes } = (await conversationBatches(settings.conversations, recipe.batch, files.model.config, files.tokenizer, files.template)({ set: 'train', index: 0 })) as Batch;
    const { hidden_size, num_attention_heads, rope_theta, rope_scaling: { mrope_section } } = files.model.config;
    const counted = mropeTables(textPositions(0, sizes.tokens, 0), { head_dim: hidden_size / num_attention_heads, rope_theta, mrope_section }).cos;
    return { of: (feeds.cos.data as Float32Array).slice(0, counted.length), counted };
  };
  const [text, mrope] = [await cos('text'), await cos('mrope')];
  assert.deepEqual(text.of, text.counted);
  assert.notDeepEqual(mrope.of, mrope.counted);
});

test('frames of long clips begin where the seed says, elsewhere the next time; held-out ones at the start', async () => {
  const path = await write('long.jsonl', [row('long.mp4')]);
  const batches = async (seed: number, window?: string) => {
    const recipe = await recipeOf({ path, eval: path, seed, sampling: { rule: 'stave', fps: 10, min_frames: 2, max_frames: 4 }, ...(window && { window }) });
    const files = await openModelFiles(recipe.init!);
    const { settings } = await dataOf(recipe, files);
    const make = conversationBatches(settings.conversations, recipe.batch, files.model.config, files.tokenizer, files.template);
    const first = async (set: 'train' | 'eval', index: number) => ((await make({ set, index })) as Batch).feeds.pixel_values.data[1176 * 8]; // the grey of the first frame tells its number
    return [await first('train', 0), await first('train', 1), await first('train', 2), await first('train', 3), await first('eval', 0)];
  };
  const drawn = await batches(1);
  assert.ok(new Set(drawn.slice(0, 4)).size > 2, drawn.join());
  assert.equal(drawn[4], 0);
  assert.deepEqual(await batches(1), drawn);
  assert.notDeepEqual(await batches(2), drawn);
  assert.deepEqual(await batches(1, 'start'), [0, 0, 0, 0, 0]);
});
