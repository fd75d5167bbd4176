/** Benchmarks decided instead of generated: what is decided between, both modes in one folder, and against the library's own decision. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareRuns, evaluate, storedModel, type EvalOptions } from '../../src/eval/index.ts';
import { checkDecidable } from '../../src/eval/modes.ts';
import { readAll, tasksNamed } from '../../src/eval/sources/index.ts';
import { boxModel, load } from '../../src/generate/index.ts';
import { renderSet, type Motion10Record } from '../../src/tasks/index.ts';
import { model as tinyModel, stave } from '../cli/run.ts';
import { fakeModel } from './fake.ts';
import { mvbench, renderClips, ssv2, videomme, vitatecs } from './miniature.ts';

let folder: string, data: string, records: Motion10Record[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-eval-decide-'));
  data = join(folder, 'data');
  const clips = await renderClips(join(folder, 'clips'));
  for (const build of [vitatecs, mvbench, videomme, ssv2]) await build(data, clips);
  const { labels } = await renderSet(join(data, 'motion10'), { seed: 'decide', count: 6, classes: ['rising', 'order', 'blink'] });
  records = (await readFile(labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
});
after(() => rm(folder, { recursive: true, force: true }));

const all = ['vitatecs', 'mvbench', 'videomme', 'ssv2_t10', 'ssv2_vsm', 'ssv2_174', 'motion10'];

for (const protocol of ['paper', 'strict'] as const)
  test(`${protocol}: of a question's choices one is right, the one that the data names, and no spelling stands for two`, async () => {
    const rows: Record<string, number> = {};
    for (const { task, rows: own } of await readAll(data, tasksNamed(all, protocol)))
      for (const row of own) {
        const choices = task.deciding!.choices(row);
        if (choices === undefined) continue;
        rows[task.name] = (rows[task.name] ?? 0) + 1;
        const right = choices.filter(([name]) => task.deciding!.score(row, name).score === 1);
        assert.equal(right.length, 1, `${task.name}: ${JSON.stringify(right)}`);
        const { target } = task.ask(row);
        assert.ok(target.includes(right[0][0]) || right[0].some((spelling) => spelling.replaceAll(/[[\]]/g, '').includes(target.replaceAll(/[[\]]/g, ''))), `${task.name}: ${target} is not ${right[0][0]}`);
        assert.equal(new Set(choices.flat()).size, choices.flat().length);
      }
    const described = records.filter(({ kind }) => kind === 'describe').length;
    assert.deepEqual([Object.keys(rows).length, rows.motion10, rows.ssv2_174], [6 + 20 + 5, records.length - described, 2]);
  });

test('what is free cannot be decided, and it is said why', async () => {
  const described = join(folder, 'described', 'motion10');
  await mkdir(described, { recursive: true });
  await writeFile(join(described, 'labels.jsonl'), `${JSON.stringify({ id: 'a', video: 'a.mp4', kind: 'describe', question: 'What?', answer: 'This.' })}\n`);
  const early = { info: () => assert.fail('too late'), load: () => assert.fail('too late') };
  await assert.rejects(evaluate({ model: early, tasks: ['motion10'], data: join(folder, 'described'), output: join(folder, 'never'), mode: 'decide' }), { code: 'DATA', message: /motion10: no question of .* can be decided[^]*free/ });
  const [task] = tasksNamed(['motion10'], 'paper');
  assert.throws(() => checkDecidable({ task: { ...task, deciding: undefined }, rows: [1], source: 'x' }), { code: 'USAGE', message: /motion10 cannot be decided\nits answers are free/ });
});

/** What must not depend on how the run went. */
async function results(output: string): Promise<Record<string, string>> {
  const names = (await readdir(output)).filter((name) => /^(results|samples_)/.test(name)).toSorted();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(output, name), 'utf8')])));
}

/** Generated answers are right where the question's length is even, decided ones always. */
const base = (): Pick<EvalOptions, 'model' | 'tasks' | 'data'> => ({
  tasks: ['motion10'], data,
  model: fakeModel((prompt, { messages, options }) => ('max_new_tokens' in options && prompt.length % 2 === 1 ? 'nonsense' : records.find(({ video, question }) => question === prompt && JSON.stringify(messages).includes(video))!.answer)),
});

test('one mode after the other, both at once, in shards: the same results, with both numbers; and the two compared', async () => {
  const both = join(folder, 'both'), later = join(folder, 'later'), sharded = join(folder, 'sharded');
  const { result } = await evaluate({ ...base(), output: both, mode: 'both' });
  const free = records.filter(({ kind }) => kind === 'describe').length;
  assert.ok(free > 0);
  assert.deepEqual(result!.tasks.map(({ mode, questions, undecidable, unmatched }) => [mode, questions, undecidable, unmatched > 0]), [['generate', records.length, undefined, true], ['decide', records.length - free, free, false]]);
  assert.deepEqual(result!.tasks.map(({ right }) => right), [records.filter(({ question }) => question.length % 2 === 0).length, records.length - free]);

  await evaluate({ ...base(), output: later });
  const alone = await results(later);
  const second = await evaluate({ ...base(), output: later, mode: 'decide' });
  assert.deepEqual([second.asked, second.result!.tasks.length], [records.length - free, 2]);
  assert.deepEqual(await results(later), await results(both));
  assert.equal((await results(both))['samples_motion10.jsonl'], alone['samples_motion10.jsonl']);

  await evaluate({ ...base(), output: join(folder, 'elsewhere'), mode: 'both', shard: { index: 2, count: 2 } });
  await evaluate({ ...base(), output: sharded, mode: 'both', shard: { index: 1, count: 2 } });
  await cp(join(folder, 'elsewhere', 'ledger-2-of-2.jsonl'), join(sharded, 'ledger-2-of-2.jsonl'));
  assert.equal((await evaluate({ ...base(), output: sharded, mode: 'both' })).asked, 0);
  assert.deepEqual(await results(sharded), await results(both));

  const decided = join(folder, 'decided');
  await evaluate({ ...base(), output: decided, mode: 'decide' });
  const generated = join(folder, 'generated');
  await evaluate({ ...base(), output: generated });
  const { rows: [row], unpaired } = await compareRuns(generated, decided);
  assert.deepEqual([row.name, row.questions, row.b, row.onlyA, unpaired], ['motion10: generate → decide', records.length - free, 100, 0, free]);
  assert.deepEqual((await compareRuns(both, both)).rows.filter(({ category }) => category === undefined).map(({ name, difference }) => [name, difference]), [['motion10', 0], ['motion10_decide', 0]]);
});

test('the model in the box decides as the library does, and the command shows both numbers', async () => {
  const output = join(folder, 'box');
  const { code, out, err } = await stave(['eval', '--tasks', 'motion10', '--data', data, '--output', output, '--limit', '3', '--mode', 'both']);
  assert.equal(code, 0, err);
  assert.match(out, /^motion10 +[\d.]+ +[\d.]+–[\d.]+ +\d+\/3$/m);
  assert.match(out, /^motion10, decided +[\d.]+ +[\d.]+–[\d.]+ +\d+\/\d/m);
  const samples = (await readFile(join(output, 'samples_motion10_decide.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { id: number; prompt: string; answer: string; decision: { mass: number; choices: { choice: string; probability: number }[] } });
  await using model = await load(boxModel);
  const [task] = tasksNamed(['motion10'], 'paper');
  for (const { id, prompt, answer, decision } of samples) {
    const own = await model.decide(join(data, 'motion10', records[id].video), prompt, task.deciding!.choices(records[id])!);
    assert.deepEqual([answer, decision.mass, decision.choices.map(({ probability }) => probability)], [own.choice, own.mass, own.choices.map(({ probability }) => probability)]);
  }
});

test('choices of every benchmark can be decided between by a real tokenizer and engine', async () => {
  const { result } = await evaluate({ model: storedModel(tinyModel), tasks: ['vitatecs_type', 'mvbench_action_count', 'videomme_w_subtitle', 'ssv2_t10', 'ssv2_vsm'], data, output: join(folder, 'tiny'), mode: 'decide', limit: 1 });
  assert.deepEqual(result!.tasks.map(({ questions, unmatched }) => [questions, unmatched]), Array.from({ length: 5 }, () => [1, 0]));
});
