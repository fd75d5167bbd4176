import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkConversations, inspectConversation, openData, prepareDialogue, readMediaFile, readRow } from '../../src/data/index.ts';
import { dataModel } from '../../src/data/prepare.ts';
import { StaveError } from '../../src/errors.ts';
import { planVideo } from '../../src/index.ts';
import { labelsByHeaders } from '../../src/tasks/labels.ts';
import { decode, encodeVideo } from '../../src/video/index.ts';
import { model, stave } from '../cli/run.ts';
import { parseRecipe } from '../../src/train/index.ts';
import { recipeModel } from '../../src/train/recipe-model.ts';
import { tinyJson } from '../train/tiny.ts';
import { clipFolder, picture, row } from './clips.ts';

const clips = await clipFolder();
after(() => clips[Symbol.asyncDispose]());
const { folder } = clips;
const made = await dataModel(model);

async function prepare(json: unknown, options: Partial<Parameters<typeof prepareDialogue>[2]> = {}) {
  const { dialogue, problems } = readRow(JSON.stringify(json), folder);
  assert.deepEqual(problems, []);
  return { dialogue: dialogue!, ...(await prepareDialogue(dialogue!, made, { learn: 'every', ...options })) };
}

test('pictures in files are read: PNG to the bit', async () => {
  for await (const { data, width, height } of decode(join(folder, '3.png'))) assert.deepEqual([width, height, Buffer.from(data).equals(picture(3).data)], [84, 56, true]);
});

test('a row\'s tokens are those of a question about its video, and its answer', async () => {
  const { encoded, plans } = await prepare(row('a.mp4', 'What happens?', 'It moves.'));
  const { prompt_tokens, media } = await planVideo(model, join(folder, 'a.mp4'), 'What happens?');
  assert.deepEqual(plans, media);
  assert.equal(encoded.labels.findIndex((label) => label !== -100), prompt_tokens);
  assert.equal(made.tokenizer.decode(encoded.labels.filter((label) => label !== -100)), 'It moves.<|im_end|>\n');
});

test('labels: every answer, or the last, as the authors\' loaders find them; not what the row says is no lesson', async () => {
  const turns = { messages: ['<video>One?', 'First.', 'Two?', 'Second.', 'Three?', 'Third.'].map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })), videos: ['a.mp4'] };
  const ids = { '<|im_start|>': 151644, '<|im_end|>': 151645, '<|vision_start|>': 151652, '<|vision_end|>': 151653, '<|video_pad|>': 151656 };
  for (const learn of ['every', 'last'] as const) {
    const { encoded } = await prepare(turns, { learn });
    // the headers as Qwen2's vocabulary has them, whose "assistant" is one token
    const [user, assistant] = ['user\n', 'assistant\n'].map((text) => made.tokenizer.encode(text));
    const places: number[] = [];
    const qwen: number[] = [];
    for (let i = 0; i < encoded.ids.length; ) {
      const special = Object.entries(ids).find(([token]) => made.tokenizer.id(token) === encoded.ids[i]);
      const header = special?.[0] === '<|im_start|>' ? [user, assistant].find((tokens) => tokens.every((id, k) => encoded.ids[i + 1 + k] === id)) : undefined;
      const taken = header === undefined ? 1 : 1 + header.length;
      const written = header === undefined ? [special?.[1] ?? encoded.ids[i]] : [151644, header === user ? 872 : 77091, 198];
      written.forEach((id, k) => {
        qwen.push(id);
        places.push(header === undefined ? i : k === 0 ? i : -1);
      });
      i += taken;
    }
    const expected = labelsByHeaders(qwen, learn);
    places.forEach((place, k) => place >= 0 && assert.equal(encoded.labels[place] === -100, expected[k] === -100, `${learn}: token ${place}`));
    assert.equal(encoded.answers.length, learn === 'every' ? 3 : 1);
  }
  const marked = { ...turns, messages: turns.messages.map((message, i) => (i === 1 ? { ...message, loss: false } : message)) };
  const { encoded } = await prepare(marked);
  assert.deepEqual(encoded.answers.map(({ start, end }) => made.tokenizer.decode(encoded.ids.slice(start, end))), ['Second.<|im_end|>\n', 'Third.<|im_end|>\n']);
});

test('a list of frames is a video: all of them, with their times', async () => {
  const frames = ['1.png', '2.png', '3.png', '4.png'];
  const { dialogue, plans } = await prepare({ messages: [{ role: 'user', content: [{ type: 'video', frames, times: [0, 0.5, 1, 1.5] }, { type: 'text', text: '?' }] }, { role: 'assistant', content: 'A.' }] });
  const [{ grid, tokens, second_per_grid_t, frames: seen }] = plans;
  assert.deepEqual([grid, tokens, second_per_grid_t, seen.map(({ time }) => time)], [[2, 4, 6], 12, 1, [0, 0.5, 1, 1.5]]);
  const bytes = await readMediaFile(dialogue.media[0], plans[0], { preprocessor: made.preprocessor, sampling: made.sampling });
  assert.equal(bytes.length, 2 * 4 * 6 * 1176);
  assert.deepEqual([...new Set(bytes.subarray(1176 * 8, 1176 * 8 + 14))], [20]); // the upper row of a patch of the first picture, right of its white column
});

test('the frames of a long clip begin where the window is drawn; a rate of its own goes before the rule\'s', async () => {
  const long = row('long.mp4');
  const rule = { ...made, sampling: { rule: 'stave' as const, fps: 5, min_frames: 2, max_frames: 4 } };
  const { dialogue } = readRow(JSON.stringify(long), folder);
  const times = async (window?: (choices: number) => number) => (await prepareDialogue(dialogue!, rule, { learn: 'every', window })).plans[0].frames.map(({ index }) => index);
  assert.deepEqual(await times(), [0, 2, 4, 6]);
  const choices: number[] = [];
  assert.deepEqual(await times((n) => (choices.push(n), 5)), [10, 12, 14, 16]);
  assert.deepEqual(choices, [17]); // 20 frames at 5 a second before the start of the last, windows of 4
  const faster = readRow(JSON.stringify(row('long.mp4', '?', 'A.', { videos: [{ path: 'long.mp4', fps: 10 }] })), folder).dialogue!;
  assert.deepEqual((await prepareDialogue(faster, rule, { learn: 'every' })).plans[0].frames.map(({ index }) => index), [0, 1, 2, 3]);
  await assert.rejects(prepareDialogue(faster, { ...made, sampling: { rule: 'all' } }, { learn: 'every' }), { code: 'DATA' });
});

const bad = ['{"messages": [', row('a.mp4'), row('none.mp4'), row('broken.mp4'), row('b.mp4', 'What?', ''), row('b.mp4', 'word '.repeat(3000)), row('b.mp4'), { ...row('a.mp4'), videos: [] }];

test('check lists everything with its line and writes a quarantine list, with which the rest is good', async () => {
  const file = await clips.write('bad.jsonl', bad);
  const out = join(folder, 'quarantine.jsonl');
  const { code, out: said } = await stave(['data', 'check', file, '--model', model, '--max-tokens', '1000', '--out', out]);
  assert.equal(code, 1);
  assert.deepEqual(said.split('\n').slice(0, 7).map((line) => line.replace(file, '').replace(/^:(\d+: \w+).*/, '$1')), ['1: json', '3: missing', '4: media', '5: empty', '6: tokens', '8: placeholders', '']);
  assert.match(said, /^rows +8: 2 good, 6 with something wrong$/m);
  assert.match(said, /^media +2 videos, 0 images, 8 frames$/m);
  const list = (await readFile(out, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { line: number });
  assert.deepEqual(list.map(({ line }) => line), [1, 3, 4, 5, 6, 8]);

  const again = await stave(['data', 'check', file, '--model', model, '--max-tokens', '1000', '--skip', out, '--json']);
  const report = JSON.parse(again.out) as Awaited<ReturnType<typeof checkConversations>>;
  assert.deepEqual([again.code, report.good, report.skipped, report.problems], [0, 2, 6, []]);
  const { table, skipped } = await openData(file, { skip: out });
  assert.deepEqual([[...table.line], skipped], [[2, 7], 6]);
  await assert.rejects(openData(file), (error) => error instanceof StaveError && error.code === 'DATA' && /4 of 8 rows cannot be trained on\nline 1: .*\nline 3: there is no file .*none\.mp4\nline 5: .*\nline 8: .*\n→ mend them/.test(error.message)); // without a look into videos
  const headers = await checkConversations(await clips.write('cut.jsonl', [row('a.mp4')]), model, { decode: false });
  assert.deepEqual([headers.decoded, headers.tokens.total, headers.tokens.longest], [false, headers.tokens.mean, { line: 1, tokens: headers.tokens.total }]);
});

test('whatever a row names as its video is told with its line: it never ends the check', async () => {
  await symlink('loop.mp4', join(folder, 'loop.mp4'));
  const odd = ['file://data/x.mp4', 'file:///a%2Fb.mp4', 'file:///a%00.mp4', `data:video/mp4;base64,${'A'.repeat(5000)}`, 'a\0.mp4', `${'a'.repeat(300)}.mp4`, 'loop.mp4', 'a.mp4/b.mp4', '.'];
  const file = await clips.write('odd.jsonl', [...odd.map((name) => row(name)), row('a.mp4')]);
  const { good, problems } = await checkConversations(file, model);
  assert.deepEqual([good, problems.map(({ line, kind }) => `${line}: ${kind}`)], [1, ['1: form', '2: form', '3: form', '4: form', '5: form', '6: missing', '7: missing', '8: missing', '9: missing']]);
  assert.match(problems[5].what, /^cannot look for ".*…: ENAMETOOLONG$/);
  assert.ok(problems.every(({ what }) => what.length < 250), 'no message holds a whole video');
  await assert.rejects(openData(file), { code: 'DATA' });
  await assert.rejects(inspectConversation(file, 4, model), { code: 'DATA' });
});

test('inspect shows the text in pieces, what is learnt marked, and the frames', async () => {
  const file = await clips.write('good.jsonl', [row('a.mp4'), row('b.mp4', 'Which?', 'This one.')]);
  const { pieces, tokens, visual_tokens, learnt_tokens, pictures, line } = await inspectConversation(file, 1, model);
  assert.deepEqual(pieces.filter(({ learnt }) => learnt).map(({ text }) => text), ['This one.<|im_end|>\n']);
  assert.deepEqual(pieces.filter(({ visual }) => visual !== undefined), [{ text: '<|video_pad|>', learnt: false, visual: visual_tokens }]);
  assert.equal(pieces.map(({ text }) => text).join(''), '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>Which?<|im_end|>\n<|im_start|>assistant\nThis one.<|im_end|>\n');
  assert.ok(line === 2 && tokens > visual_tokens + learnt_tokens && pictures[0].length > 1);

  const frames = join(folder, 'frames.png');
  const plain = await stave(['data', 'inspect', file, '-i', '1', '-m', model, '--png', frames]);
  assert.match(plain.out, /assistant\n⟦This one\.<\|im_end\|>\n⟧\n\nline 2, form tags: \d+ tokens, \d+ of them visual, \d+ learnt\n$/);
  assert.ok(!plain.out.includes('\x1b'));
  for await (const { width, height } of decode(frames)) assert.deepEqual([width, height], [pictures[0].reduce((sum, shown) => sum + shown.width + 2, -2), pictures[0][0].height]);
  const { NO_COLOR } = process.env;
  delete process.env.NO_COLOR;
  try {
    assert.match((await stave(['data', 'inspect', file, '-m', model], { terminal: 80 })).out, /\x1b\[1;32mIt moves\.<\|im_end\|>\n\x1b\[0m/); // oxlint-disable-line no-control-regex -- that is what is looked for
  } finally {
    if (NO_COLOR !== undefined) process.env.NO_COLOR = NO_COLOR;
  }
  assert.match((await stave(['data', 'inspect', file, '-i', '2', '-m', model])).err, /has 2 rows, there is no row 2\nrows are counted from 0\n→ give a number from 0 to 1/);
  assert.match((await stave(['data', 'look', file])).err, /unknown argument "look"/);
  assert.match((await stave(['data', 'check', file, '--png', 'x'])).err, /--png does not go with "stave data check"/);
});

test('with a recipe a row is seen as its training will see it', async () => {
  const file = await clips.write('recipe.jsonl', [{ messages: ['<video>One?', 'First.', 'Two?', 'Second.'].map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })), videos: ['long.mp4'] }]);
  const recipe = await clips.write('recipe.json', [{ out: 'run', init: model, data: { task: 'conversations', path: file, learn: 'last', sampling: { rule: 'count', frames: 8 }, max_pixels: 3136 }, optimizer: { lr: 1 }, steps: 1 }]);
  const { out } = await stave(['data', 'inspect', file, '--recipe', recipe, '--json']);
  const { media, pieces } = JSON.parse(out) as Awaited<ReturnType<typeof inspectConversation>>;
  assert.deepEqual([media[0].frames.length, media[0].sizes.input], [8, { width: 56, height: 28 }]);
  assert.deepEqual(pieces.filter(({ learnt }) => learnt).map(({ text }) => text), ['Second.<|im_end|>\n']);
  const box = await clips.write('box.json', [{ out: 'run', init: model, data: { task: 'motion10' }, optimizer: { lr: 1 }, steps: 1 }]);
  assert.match((await stave(['data', 'check', file, '--recipe', box])).err, /trains on no data file\nits data\.task is "motion10"/);
});

test('with the recipe of a new model rows are checked against that one, with the recipe\'s tokenizer; held-out rows that are not checked are named', async () => {
  const file = await clips.write('new.jsonl', [row('a.mp4'), row('a.mp4', 'word '.repeat(80))]);
  const held = await clips.write('held.jsonl', [row('b.mp4')]);
  const max_position_embeddings = 64;
  const recipe = { ...tinyJson, model: { ...tinyJson.model, max_position_embeddings }, data: { task: 'conversations', path: file, eval: held, min_pixels: 784, max_pixels: 1568 } };
  const said = await clips.write('new.json', [recipe]);
  const { code, out, err } = await stave(['data', 'check', file, '--recipe', said, '--json']);
  const report = JSON.parse(out) as Awaited<ReturnType<typeof checkConversations>>;
  assert.deepEqual([code, report.good, report.problems.map(({ line, kind }) => [line, kind])], [1, 1, [[2, 'tokens']]]);
  assert.match(report.problems[0].what, /, 64 are allowed/);
  assert.ok(err.includes(`held-out conversations, ${held}, are not checked here: give them as FILE\n`));
  assert.deepEqual(await stave(['data', 'check', held, '--recipe', said]).then((other) => [other.code, other.err]), [0, '']);

  const opened = await recipeModel(parseRecipe(recipe, folder)); // against what training packs
  const tokens = opened.tokenizer.encode('It moves.').length + 2; // the end of the turn and its line break
  assert.equal(report.tokens.learnt, tokens);
  const lost = await clips.write('lost.json', [{ ...recipe, tokenizer: 'nowhere' }]);
  assert.match((await stave(['data', 'check', file, '--recipe', lost])).err, /tokenizer is ".*nowhere"/);
});

test('SSv2\'s own label file and videos as they are published are trained on as they lie', async () => {
  await encodeVideo(join(folder, '78687.webm'), Array.from({ length: 12 }, (_, i) => picture(i)), { fps: 12, codec: 'vp9' });
  const labels = join(folder, 'train.json');
  await writeFile(labels, JSON.stringify([{ id: '78687', label: 'dropping a pen', template: 'Dropping [something]', placeholders: ['a pen'] }, { id: '5', label: '', template: 'Closing [something]', placeholders: [] }], null, 2));
  const { good, problems, forms, answers } = await checkConversations(labels, model);
  assert.deepEqual([good, answers, forms, problems.map(({ line, kind }) => [line, kind])], [1, 1, { ssv2: 2 }, [[10, 'missing']]]);
});
