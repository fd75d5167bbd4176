/** Motion-10 from rendered clips to table: through ledger, shards, stops and missing files. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluate, storedModel, type EvalOptions } from '../../src/eval/index.ts';
import { boxModel } from '../../src/generate/index.ts';
import { renderSet, type Motion10Record } from '../../src/tasks/index.ts';
import { stave } from '../cli/run.ts';
import { fakeModel, type Asked } from './fake.ts';

let folder: string, data: string, records: Motion10Record[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-eval-'));
  data = join(folder, 'data');
  const { labels } = await renderSet(join(data, 'motion10'), { seed: 7, count: 3 });
  records = (await readFile(labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
});
after(() => rm(folder, { recursive: true, force: true }));

/** Right where the question's length is even. */
const half = (prompt: string) => (prompt.length % 2 === 0 ? records.find(({ question }) => question === prompt)!.answer : 'nonsense');
const base = (): Pick<EvalOptions, 'tasks' | 'data' | 'model'> => ({ tasks: ['motion10'], data, model: fakeModel(half) });

/** What must not depend on how the run went. */
async function results(output: string): Promise<Record<string, string>> {
  const names = (await readdir(output)).filter((name) => /^(results|samples_)/.test(name)).toSorted();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(output, name), 'utf8')])));
}

test('the model in the box: a real run, its frames in the samples, its score the one that its answers give', async () => {
  const output = join(folder, 'box');
  const { code, out, err } = await stave(['eval', '--tasks', 'motion10', '--data', data, '--output', output, '--limit', '3', '--json']);
  assert.equal(code, 0, err);
  const { asked, kept, left, tasks: [task] } = JSON.parse(out) as { asked: number; kept: number; left: number; tasks: { percent: number; right: number; counted: number; rows: number }[] };
  assert.deepEqual([asked, kept, left, task.counted, task.rows], [3, 0, 0, 3, records.length]);
  const samples = (await readFile(join(output, 'samples_motion10.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { id: number; prompt: string; target: string; score: number; seen: { video: string; frames: { index: number; time: number }[]; sizes: { source: object; input: object } }[] });
  const { stave: { sampling } } = JSON.parse(await readFile(join(boxModel, 'config.json'), 'utf8')) as { stave: { sampling: { frames: number } } };
  for (const [i, { id, prompt, target, seen: [seen] }] of samples.entries()) {
    assert.deepEqual([id, prompt, target, seen.video], [i, records[i].question, records[i].answer, `motion10/${records[i].video}`]);
    assert.equal(seen.frames.length, sampling.frames); // as the model was made for
    assert.ok(seen.frames.every(({ time }) => typeof time === 'number'));
  }
  assert.equal(task.right, samples.reduce((sum, { score }) => sum + score, 0));
  const manifest = JSON.parse(await readFile(join(output, 'manifest.json'), 'utf8')) as { model: { name: string; fingerprint: string }; tasks: { motion10: { files: { path: string; sha256: string }[]; videos: { missing: number } } }; sessions: { versions: Record<string, string>; model: { dir: string; adapter: string | null } }[] };
  assert.equal(manifest.model.name, 'box/model'); // `model` alone would say nothing
  assert.deepEqual([manifest.sessions[0].model.dir, manifest.sessions[0].model.adapter], [boxModel, null]);
  assert.equal(manifest.model.fingerprint, (await storedModel(boxModel).info()).fingerprint);
  assert.match(manifest.tasks.motion10.files[0].sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual([manifest.tasks.motion10.files[0].path, manifest.tasks.motion10.videos.missing, manifest.sessions[0].versions.node], [join('motion10', 'labels.jsonl'), 0, process.versions.node]);
  assert.match(Object.values(manifest.sessions[0].versions).join(' '), /^(?:\d+\.\d+\.\d+\S* ?){6}$/);
  const [{ answered, seconds, model_busy_seconds: busy }] = manifest.sessions as unknown as { answered: number; seconds: number; model_busy_seconds: number }[];
  assert.ok(answered === 3 && busy > 0 && busy <= seconds, `${answered} answered in ${seconds} s, ${busy} s of it with the engine`);
  const again = await stave(['eval', '--tasks', 'motion10', '--data', data, '--output', output, '--limit', '3']);
  assert.match(again.out, /^task \(paper\) +% +95 % interval +right\nmotion10/);
  assert.match(again.err, /^0 answered now, 3 were there already/);
});

test('in one go, stopped and resumed, in shards: the same results, each question asked once', async () => {
  const whole = join(folder, 'whole');
  const { result } = await evaluate({ ...base(), output: whole });
  assert.equal(result!.tasks[0].questions, records.length);
  assert.equal(result!.tasks[0].right, records.filter(({ question }) => question.length % 2 === 0).length);

  const stopped = join(folder, 'stopped');
  const stop = new AbortController(), asked: Asked[] = [];
  const model = fakeModel(half, { asked });
  await assert.rejects(evaluate({ ...base(), model, output: stopped, signal: stop.signal, onProgress: ({ answered }) => answered === 2 && stop.abort() }), { name: 'AbortError' });
  const begun = asked.length;
  assert.ok(begun <= 3, `${begun} asked`); // one was under way beside the second
  const resumed = await evaluate({ ...base(), model, output: stopped, mustResume: true });
  assert.deepEqual([resumed.kept, asked.length], [2, begun + records.length - 2]);

  const sharded = join(folder, 'sharded'), elsewhere = join(folder, 'elsewhere');
  const second = await evaluate({ ...base(), output: elsewhere, shard: { index: 2, count: 2 } });
  assert.ok(second.left > 0 && second.result === undefined);
  await evaluate({ ...base(), output: sharded, shard: { index: 1, count: 2 } });
  await cp(join(elsewhere, 'ledger-2-of-2.jsonl'), join(sharded, 'ledger-2-of-2.jsonl'));
  const merging = fakeModel(() => assert.fail('asked again'));
  assert.equal((await evaluate({ ...base(), model: merging, output: sharded })).asked, 0);
  assert.equal(merging.loads, 0);
  for (const output of [stopped, sharded]) assert.deepEqual(await results(output), await results(whole));
});

test('a missing video: told with its row before the model is loaded; skipped or asked without, and counted', async () => {
  const [{ video }] = records;
  const own = records.filter((record) => record.video === video).length;
  const path = join(data, 'motion10', video);
  await rename(path, `${path}.away`);
  try {
    const model = fakeModel(half);
    const output = join(folder, 'missing');
    await assert.rejects(evaluate({ ...base(), model, output }), { code: 'VIDEO_MISSING', message: new RegExp(`motion10, row 0 of .*labels\\.jsonl: there is no .*${video}`) });
    assert.equal(model.loads, 0);
    const skipping = await evaluate({ ...base(), output, missing: 'skip' });
    assert.deepEqual([skipping.result!.tasks[0].skipped, skipping.result!.tasks[0].questions], [own, records.length - own]);
    const asked: Asked[] = [];
    const without = await evaluate({ ...base(), model: fakeModel(half, { asked }), output, missing: 'ask-without' });
    assert.deepEqual([without.asked, without.result!.tasks[0].without_video, without.result!.tasks[0].questions], [own, own, records.length]);
    assert.ok(asked.every(({ messages: [{ content }] }) => typeof content !== 'string' && content.every(({ type }) => type === 'text')));
    const refused = await stave(['eval', '--tasks', 'motion10', '--data', data, '--output', join(folder, 'refused')]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /--missing skip.*--missing ask-without/);
  } finally {
    await rename(`${path}.away`, path);
  }
});

test('answers of another model, another protocol or other questions are not mixed', async () => {
  const output = join(folder, 'mixed');
  await evaluate({ ...base(), output });
  await assert.rejects(evaluate({ ...base(), model: fakeModel(half, { fingerprint: 'other' }), output }), { code: 'DATA', message: /fa4e[^]*other/ });
  await assert.rejects(evaluate({ ...base(), output, protocol: 'strict' }), { code: 'DATA', message: /protocol/ });
  const strange = join(folder, 'strange'); // another model's shard among this one's
  await evaluate({ ...base(), output: strange, shard: { index: 1, count: 2 } });
  await evaluate({ ...base(), model: fakeModel(half, { fingerprint: 'other' }), output: join(folder, 'strangers'), shard: { index: 2, count: 2 } });
  await cp(join(folder, 'strangers', 'ledger-2-of-2.jsonl'), join(strange, 'ledger-2-of-2.jsonl'));
  await assert.rejects(evaluate({ ...base(), output: strange }), { code: 'DATA', message: /ledger-2-of-2\.jsonl[^]*other[^]*fa4e/ });
  const other = join(folder, 'other', 'motion10');
  await cp(join(data, 'motion10'), other, { recursive: true });
  await writeFile(join(other, 'labels.jsonl'), records.map((record, i) => `${JSON.stringify(i === 1 ? { ...record, question: 'Why?' } : record)}\n`).join(''));
  await assert.rejects(evaluate({ ...base(), data: join(folder, 'other'), output }), { code: 'DATA', message: /motion10, row 1 .*asks something else/ });
});

test('bad input is told by file, line and row before anything else', async () => {
  const bad = join(folder, 'bad');
  const run = (root: string) => evaluate({ ...base(), data: root, output: join(folder, 'never'), model: { info: () => assert.fail('too late'), load: () => assert.fail('too late') } });
  await assert.rejects(run(bad), { code: 'DATA', message: /there is no .*motion10.*labels\.jsonl/ });
  await cp(data, bad, { recursive: true });
  const labels = join(bad, 'motion10', 'labels.jsonl');
  const lines = (await readFile(labels, 'utf8')).split('\n');
  await writeFile(labels, lines.with(2, '{"id":').join('\n'));
  await assert.rejects(run(bad), { code: 'DATA', message: /labels\.jsonl:3 is not JSON/ });
  await writeFile(labels, lines.with(2, lines[2].replace('"kind":', '"sort":')).join('\n'));
  await assert.rejects(run(bad), { code: 'DATA', message: /labels\.jsonl: motion10, row 2: "kind" is missing/ });
  assert.equal((await stave(['eval', '--tasks', 'motion11', '--data', data, '--output', bad])).code, 2);
  assert.equal((await stave(['eval', '--tasks', 'motion10', '--data', data, '--output', join(folder, 'none'), '--resume'])).code, 1);
  assert.equal((await stave(['eval', '--tasks', 'motion10', '--data', data, '--output', bad, '--shard', '3/2'])).code, 2);
});
