import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { StaveError } from '../../src/errors.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { loadTokenizer } from '../../src/text/index.ts';
import { loadRecipe, loadStages, parseRecipe, train } from '../../src/train/index.ts';
import { jsonLines } from '../../src/train/json-lines.ts';
import { startModel } from '../../src/train/model.ts';
import { matches } from '../../src/train/tensor-names.ts';
import { tinyJson, tokenizer } from './tiny.ts';

function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof StaveError && error.code === 'RECIPE') return error.message;
    throw error;
  }
  return 'no error';
}

test('a wrong field is named with its value and what is allowed', () => {
  const parse = (changes: Record<string, unknown>) => message(() => parseRecipe({ ...tinyJson, ...changes }, '/'));
  assert.equal(parse({ steps: -3 }), 'steps is -3\n→ give an integer from 1 to 2147483647');
  assert.equal(parse({ steps: undefined }), 'steps is missing\n→ give an integer from 1 to 2147483647');
  assert.equal(parse({ optimizer: { lr: 'high' } }), 'optimizer.lr is "high"\n→ give a number of at least 0');
  assert.equal(parse({ data: { task: 'ssv2' } }), 'data.task is "ssv2"\n→ give one of "motion10", "conversations"');
  assert.match(parse({ optimizer: { lr: 1, learning_rate: 2 } }), /^optimizer\.learning_rate is not a known field\n→ known fields here: /);
  assert.match(parse({ batch: 7 }), /^batch is 7\n→ give an object/);
  assert.match(parse({ data: { task: 'motion10', frames: 5 } }), /^data\.frames is 5\nthe vision encoder takes frames in pairs\n→ give an even number/);
  assert.match(parse({ data: { task: 'motion10', min_pixels: 9000, max_pixels: 5000 } }), /^data\.min_pixels is 9000\nit is above data\.max_pixels, 5000/);
  const lessons = (...lessons: unknown[]) => parse({ data: { task: 'motion10', lessons } });
  assert.match(lessons(7), /^data\.lessons is \[7\]\n→ give a list of objects/);
  assert.match(lessons({ steps: 5 }, { kinds: ['action'] }), /^data\.lessons\[1\]\.steps is missing/);
  assert.match(lessons({ steps: 5, kinds: ['actions'] }), /^data\.lessons\[0\]\.kinds is \["actions"\]\n→ give a list of some of action, /);
  assert.match(lessons({ steps: 5, kinds: [] }), /^data\.lessons\[0\]\.kinds is \[\]\n→ give at least one/);
  assert.match(lessons({ steps: 5, frames: 3 }), /^data\.lessons\[0\]\.frames is 3\nthe vision encoder takes frames in pairs/);
  assert.match(lessons({ steps: 5, pixels: [5000, 4000] }), /^data\.lessons\[0\]\.pixels is \[5000,4000\]\n→ give two areas/);
  assert.match(lessons({ steps: 5, plain: [1, 2] }), /^data\.lessons\[0\]\.plain is \[1,2\]\n→ give two shares/);
  assert.match(lessons({ steps: 5, actions: ['turning'] }), /^data\.lessons\[0\]\.actions is \["turning"\]\n→ give a list of some of left-to-right, /);
  assert.match(lessons({ steps: 5, turns: [] }), /^data\.lessons\[0\]\.turns is \[\]\n→ give at least one/);
  assert.match(lessons({ steps: 5, turns: [{}, { frames: 3 }] }), /^data\.lessons\[0\]\.turns\[1\]\.frames is 3/);
  assert.match(lessons({ steps: 5, turns: [{}], clips: 2 }), /^data\.lessons\[0\]\.clips is not a known field/);
  assert.match(lessons({ steps: 5, clip: 2 }), /^data\.lessons\[0\]\.clip is not a known field/);
  assert.match(parse({ optimizer: { lr: 1, betas: [0.9] } }), /^optimizer\.betas is \[0\.9\]\n→ give a list of 2 numbers/);
  assert.match(parse({ optimizer: { lr: 1, betas: [0.9, 1] } }), /^optimizer\.betas is \[0\.9,1\]\n→ give two numbers in \[0, 1\)/);
  const groups = (...groups: unknown[]) => parse({ optimizer: { lr: 1, groups } });
  assert.match(groups({ tensors: '*', lr: 1 }), /^optimizer\.groups\[0\]\.tensors is "\*"\n→ give a list of patterns/);
  assert.match(groups({ tensors: ['*'], lr: 1 }, { tensors: ['*'] }), /^optimizer\.groups\[1\]\.tensors is \["\*"\]\nthe group has no rate and no decay of its own/);
  assert.match(groups({ tensors: ['*'], rate: 1, lr: 1 }), /^optimizer\.groups\[0\]\.rate is not a known field/);
  assert.match(parse({ optimizer: { lr: 0, groups: [{ tensors: ['*'], lr: 1 }] } }), /^optimizer\.groups\[0\]\.lr is 1\nit follows the schedule of optimizer\.lr, which is 0/);
  assert.match(parse({ optimizer: { lr: 1, muon: { lr: 1 }, groups: [{ tensors: ['*'], lr: 1 }] } }), /^optimizer\.groups is .*\nwith muon, which has a rate of another kind/);
  const best = (best: object, changes: object = {}) => parse({ best, ...changes });
  assert.equal(best({}), 'best.metric is missing\n→ give one of "loss", "accuracy"');
  assert.match(best({ metric: 'loss', patience: 0 }), /^best\.patience is 0\n→ give an integer from 1/);
  assert.match(best({ metric: 'loss', min_delta: 0.1 }), /^best\.min_delta is 0\.1\nwithout patience no improvement is waited for/);
  assert.match(best({ metric: 'loss' }, { eval: { every: 3, clips: 0 } }), /^best is .*\nnothing is held out to judge by\n→ give eval\.clips a number over 0/);
  assert.match(best({ metric: 'loss' }, { data: { task: 'conversations', path: 'a', min_pixels: 784, max_pixels: 784 }, eval: { every: 3 } }), /^best is .*\nnothing is held out to judge by\n→ give a file of held-out conversations as data\.eval/);
  for (const every of [0, 6]) assert.match(best({ metric: 'loss' }, { eval: { every } }), /^eval\.every is \d\nbest chooses between evaluations, and there would be one alone/);
  assert.match(best({ metric: 'rouge', model: 'first' }, { eval: { every: 0, clips: 0 } }), /^the recipe is not right in 4 places\n(?=.*\n?[^]*best\.metric is "rouge")(?=[^]*best\.model is "first")(?=[^]*best is )(?=[^]*eval\.every is 0)/);
  const unfit = { ...tinyJson.model, num_key_value_heads: 3 };
  assert.match(parse({ tokenizer: '/nowhere', model: unfit }), /num_key_value_heads/);
  assert.match(parse({ tokenizer: '/nowhere', model: unfit, steps: 0 }), /^the recipe is not right in 2 places\n(?=[^]*steps is 0)(?=[^]*num_key_value_heads)/);
  assert.match(parse({ model: undefined }), /^model is missing\nwithout init a new model is made/);
  assert.match(parse({ init: 'somewhere' }), /^the recipe has both init and model/);
  assert.match(message(() => parseRecipe([], '/')), /^the file is \[\]\n→ give an object/);
});

test('what a run writes down as its recipe is a recipe, the same one', () => {
  const recipe = parseRecipe(tinyJson, '/');
  assert.deepEqual(parseRecipe(JSON.parse(JSON.stringify(recipe)), '/elsewhere'), recipe);
  const taught = parseRecipe({ ...tinyJson, data: { ...tinyJson.data, lessons: [{ steps: 2, kinds: ['color'], scenes: ['still'], frames: 2, plain: [1, 0.5] }] } }, '/');
  assert.deepEqual(parseRecipe(JSON.parse(JSON.stringify(taught)), '/elsewhere'), taught);
  const grouped = parseRecipe({ ...tinyJson, optimizer: { lr: 1, decay: 'trainer', groups: [{ tensors: ['*.temp_attn.*'], lr: 2 }, { tensors: ['*'], weight_decay: 0 }] } }, '/');
  assert.deepEqual(parseRecipe(JSON.parse(JSON.stringify(grouped)), '/elsewhere'), grouped);
  const judged = parseRecipe({ ...tinyJson, best: { metric: 'accuracy', patience: 2 } }, '/');
  assert.deepEqual([judged.best, parseRecipe(JSON.parse(JSON.stringify(judged)), '/elsewhere')], [{ metric: 'accuracy', patience: 2, model: 'best' }, judged]);
  const tuned = parseRecipe({ ...tinyJson, model: undefined, init: '/some/checkpoint' }, '/');
  assert.deepEqual(parseRecipe(JSON.parse(JSON.stringify(tuned)), '/elsewhere'), tuned);
});

const doesNotStart = async (changes: Record<string, unknown>, text: RegExp) =>
  assert.rejects(startModel(parseRecipe({ ...tinyJson, ...changes }, '/'), await loadTokenizer(textReader(tokenizer))), (error) => error instanceof StaveError && error.code === 'RECIPE' && text.test(error.message));
const grouped = (...patterns: string[]) => ({ trainable: ['visual.*'], optimizer: { lr: 1, groups: patterns.map((pattern) => ({ tensors: [pattern], lr: 2 })) } });

test('a model that does not fit together is refused before anything runs', async () => {
  await doesNotStart({ trainable: ['visual.nothing.*'] }, /no tensor matches/);
  await doesNotStart(grouped('visual.*', 'model.*'), /^optimizer\.groups\[1\]\.tensors is \["model\.\*"\]\nno tensor that is trained matches\n→ the trained tensors have names like visual\./);
  await doesNotStart({ trainable: ['visual.*'], optimizer: { lr: 1, groups: [{ tensors: ['visual.*', 'lm_hed.*'], lr: 2 }] } }, /^optimizer\.groups\[0\]\.tensors\[1\] is "lm_hed\.\*"\nno tensor that is trained matches\n→ leave it out; the trained tensors have names like visual\./);
  await doesNotStart(grouped('visual.*', '*.norm3.*'), /^optimizer\.groups\[1\]\.tensors is \["\*\.norm3\.\*"\]\nall that match are in a group before it/);
});

test('a tokenizer that is not there is told with the field, its path and what is missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-recipe-'));
  try {
    await writeFile(join(folder, 'recipe.json'), JSON.stringify({ ...tinyJson, tokenizer: 'tok' }));
    const recipe = await loadRecipe(join(folder, 'recipe.json'));
    const refused = (why: string) => assert.rejects(train(recipe), { code: 'RECIPE', message: new RegExp(`^tokenizer is "${join(folder, 'tok')}"\n${why}\n→ give a folder with tokenizer\\.json and chat_template\\.json`) });
    await refused('there is no such folder; a relative path starts at the recipe\'s folder');
    await mkdir(join(folder, 'tok'));
    await refused('it has no tokenizer\\.json.*');
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) await cp(join(tokenizer, name), join(folder, 'tok', name));
    await refused('it has no chat template.*');
    await rm(join(folder, 'tok'), { recursive: true });
    await writeFile(join(folder, 'tok'), '');
    await refused('it is not a folder');
    const { tokenizer: _tokenizer, model: _model, ...tuned } = tinyJson;
    const started = parseRecipe({ ...tuned, out: folder, init: 'nowhere' }, folder); // which says no tokenizer of its own
    await assert.rejects(train(started), { code: 'RECIPE', message: new RegExp(`^init is "${join(folder, 'nowhere')}"\nthere is no such folder.*\n→ give a checkpoint with tokenizer\\.json`) });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the shipped recipe is valid and its paths start at its folder', async () => {
  const file = fileURLToPath(new URL('../../box/recipe.json', import.meta.url));
  const [recipe] = await loadStages(file);
  assert.equal(recipe.tokenizer, tokenizer);
  const { trained: weights } = await startModel(recipe, await loadTokenizer(textReader(recipe.tokenizer)));
  const size = [...weights.values()].reduce((n, { data }) => n + data.length, 0);
  assert.ok(2 * size < 12e6, `${size} weights in bfloat16 are more than 12 MB`);
  await assert.rejects(loadRecipe('/nowhere/recipe.json'), (error) => error instanceof StaveError && error.code === 'IO' && /cannot read the recipe/.test(error.message));
});

test('patterns: * stands for anything, everything else for itself', () => {
  assert.ok(matches('visual.blocks.3.temp_attn.qkv.weight', ['visual.blocks.*.temp_attn.*']));
  assert.ok(!matches('visual.blocks.3.attn.qkv.weight', ['visual.blocks.*.temp_attn.*']));
  assert.ok(!matches('modelXnorm.weight', ['model.norm.*']));
});

test('init and tokenizer may be names of pulled models', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-recipe-'));
  const { HF_HUB_CACHE } = process.env;
  try {
    process.env.HF_HUB_CACHE = join(folder, 'hub');
    const commit = '0123456789'.repeat(4);
    const snapshot = join(folder, 'hub', 'models--someone--tiny', 'snapshots', commit);
    await cp(fileURLToPath(new URL('../goldens/models/qwen2vl', import.meta.url)), snapshot, { recursive: true });
    await mkdir(join(folder, 'hub', 'models--someone--tiny', 'refs'));
    await writeFile(join(folder, 'hub', 'models--someone--tiny', 'refs', 'main'), commit);
    const file = join(folder, 'recipe.json');
    const load = async (init: string) => {
      const { model: _model, tokenizer: _tokenizer, ...rest } = tinyJson as Record<string, unknown>;
      await writeFile(file, JSON.stringify({ ...rest, init }));
      const { init: found, tokenizer: words } = await loadRecipe(file);
      assert.equal(words, found);
      return found;
    };
    assert.equal(await load('someone/tiny'), snapshot);
    assert.equal(await load(`someone/tiny@${commit}`), snapshot);
    await assert.rejects(load('someone/else'), { code: 'MODEL_MISSING', message: /run "stave pull someone\/else" to download it/ });
    await mkdir(join(folder, 'someone', 'tiny'), { recursive: true });
    assert.equal(await load('someone/tiny'), join(folder, 'someone', 'tiny')); // of two meanings, the path that is there
    assert.equal(await load('later'), join(folder, 'later')); // no name: a path that startModel() will miss
  } finally {
    if (HF_HUB_CACHE === undefined) delete process.env.HF_HUB_CACHE;
    else process.env.HF_HUB_CACHE = HF_HUB_CACHE;
    await rm(folder, { recursive: true });
  }
});

test('all that is wrong with a recipe is told at once, each with its line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-recipe-'));
  try {
    const file = join(folder, 'recipe.json');
    const text = `{
  "out": "run", "init": "base", "stepps": 4,
  "data": {
    "task": "motion10",
    "frames": 7,
    "lessons": [{ "steps": 1 },
      { "steps": 0, "kinds": [] }]
  },
  "optimizer": { "lr": "high",
    "weigth_decay": 0.1 },
  "batch": []
}`;
    await writeFile(file, text);
    await assert.rejects(loadRecipe(file), (error: Error) => {
      const [what, ...lines] = error.message.split('\n');
      assert.equal(what, `${file} is not right in 8 places`);
      assert.deepEqual(lines.map((line) => line.replace(file, '').replace(/(; |→ give|→ known).*/, '')).toSorted(), [
        ': steps is missing',
        ':10: optimizer.weigth_decay is not a known field',
        ':11: batch is []',
        ':2: stepps is not a known field',
        ':5: data.frames is 7',
        ':7: data.lessons[1].kinds is []',
        ':7: data.lessons[1].steps is 0',
        ':9: optimizer.lr is "high"',
        '→ correct them all, then start again',
      ].toSorted());
      return true;
    });

    const staged = JSON.stringify({ out: 'run', init: 'base', data: { task: 'motion10' }, optimizer: {}, stages: [{ steps: 1 }, { steps: 2, trainable: 3 }, { optimizer: { lr: 1 } }] }, null, 1);
    const line = (found: string) => staged.split('\n').findIndex((part) => part.includes(found)) + 1;
    await writeFile(file, staged);
    await assert.rejects(loadStages(file), (error: Error) => {
      assert.deepEqual(error.message.split('\n').map((part) => part.replace(`${file}`, '').replace(/; .*/, '')), [
        ' is not right in 4 places',
        `:${line('"optimizer": {}')}: stages[0]: optimizer.lr is missing`,
        `:${line('"trainable": 3')}: stages[1]: trainable is 3`,
        `:${line('"optimizer": {}')}: stages[1]: optimizer.lr is missing`,
        ': stages[2]: steps is missing',
        '→ correct them all, then start again',
      ]);
      return true;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('lines of a JSON text', () => {
  const text = '{ "a\\"b": [1,\n {"c": "x\\n}"}, [\n] ],\n\n"d" :\n {}, "e": {"f": [true, null]}}';
  JSON.parse(text);
  assert.deepEqual(Object.fromEntries(jsonLines(text)), { 'a"b': 1, 'a"b[0]': 1, 'a"b[1]': 2, 'a"b[1].c': 2, 'a"b[2]': 2, d: 5, e: 6, 'e.f': 6, 'e.f[0]': 6, 'e.f[1]': 6 });
  assert.deepEqual([...jsonLines('7'), ...jsonLines('{}'), ...jsonLines(' [ ]')], []);
});
