/** The look before the run, and the list. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkData, evaluate, listBenchmarks } from '../../src/eval/index.ts';
import { published } from '../../src/eval/published.ts';
import { benchmark, benchmarkNames } from '../../src/tasks/index.ts';
import { stave } from '../cli/run.ts';
import { fakeModel } from './fake.ts';
import { mvbench, renderClips, videomme, vitatecs, zip, type Clips } from './miniature.ts';

let folder: string, data: string, clips: Clips;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-check-'));
  data = join(folder, 'data');
  clips = await renderClips(join(folder, 'clips'));
  for (const build of [vitatecs, mvbench, videomme]) await build(data, clips);
});
after(() => rm(folder, { recursive: true, force: true }));

test('whole data: everything is in order, videos in archives counted, nothing unpacked', async () => {
  const found = await checkData({ tasks: ['vitatecs', 'videomme', 'mvbench_action_count'], data });
  assert.deepEqual([found.ok, found.unexpected], [true, []]);
  assert.deepEqual(found.tasks.map(({ task, rows, archived }) => [task, rows, archived]).slice(-2), [['videomme', 3, 3], ['mvbench_action_count', 2, 0]]);
  assert.ok(!(await readdir(join(data, 'videomme'))).includes('data'));
  const { code, out } = await stave(['eval', 'check', '--tasks', 'vitatecs,videomme', '--data', data]);
  assert.equal(code, 0);
  assert.match(out, /^ok {3}vitatecs_direction: 2 rows, 2 videos\n[^]*3 are still in archives/);
});

test('missing, cut and strange videos, damaged tables and archives: all told at once, exit code 1', async () => {
  const at = (name: string) => join(data, 'vitatecs', 'VATEX', name);
  await rename(at('Type-0.mp4'), at('Stranger.mp4'));
  await unlink(at('Sequence-0.mp4')); // it is another name of a clip that others share
  await writeFile(at('Sequence-0.mp4'), 'no video');
  await writeFile(join(data, 'vitatecs', 'Intensity', 'test-00000-of-00001.parquet'), 'PAR1');
  const checked = await checkData({ tasks: ['vitatecs'], data });
  assert.equal(checked.ok, false);
  const task = (name: string) => checked.tasks.find((other) => other.task === `vitatecs_${name}`)!;
  assert.deepEqual(task('type').missing, [at('Type-0.mp4')]);
  assert.deepEqual(task('sequence').unreadable.map(({ video }) => video), [at('Sequence-0.mp4')]);
  assert.match(task('intensity').errors[0], /Intensity.*is no parquet file/);
  assert.deepEqual(task('direction').errors, []);
  await rm(join(data, 'vitatecs', 'Intensity'), { recursive: true });
  await vitatecs(join(folder, 'again'), clips);
  await rename(join(folder, 'again', 'vitatecs', 'Intensity'), join(data, 'vitatecs', 'Intensity'));
  assert.deepEqual((await checkData({ tasks: ['vitatecs'], data })).unexpected, [at('Stranger.mp4')]);
  assert.deepEqual((await checkData({ tasks: ['vitatecs_type'], data })).unexpected, []); // of a part of the benchmark nobody can tell
  await zip(join(data, 'videomme', 'subtitle.zip'), { 'subtitle/video-0.srt': '\0'.repeat(5_000_000) });
  const { code, out } = await stave(['eval', 'check', '--tasks', 'vitatecs,videomme', '--data', data]);
  assert.equal(code, 1);
  assert.match(out, /BAD {2}vitatecs_type: 2 rows, 2 videos\n {2}1 missing:\n[^]*BAD {2}videomme[^]*subtitle\.zip is not unpacked/);
});

test('archives within archives are not looked into: what may be in them is neither missing nor there', async () => {
  const root = join(folder, 'nested');
  await videomme(root, clips);
  const at = (name: string) => join(root, 'videomme', name);
  const inner = await readFile(at('videos_chunked_02.zip'));
  await rm(at('videos_chunked_02.zip'));
  await zip(at('second.zip'), { 'parts/videos_chunked_02.zip': inner });
  const before = await checkData({ tasks: ['videomme'], data: root });
  const [{ archived, missing, unseen }] = before.tasks;
  assert.deepEqual([before.ok, archived, missing, unseen], [true, 2, [], { videos: [at('data/video-2.mp4')], archives: ['parts/videos_chunked_02.zip'] }]);
  const { code, out } = await stave(['eval', 'check', '--tasks', 'videomme', '--data', root]);
  assert.deepEqual([code, out.split('\n').slice(0, 3)], [0, ['?    videomme: 3 rows, 3 videos', '  1 may lie in archives within archives (parts/videos_chunked_02.zip), which the first run unpacks:', `    ${at('data/video-2.mp4')}`]]);
  await evaluate({ model: fakeModel(() => 'A'), tasks: ['videomme'], data: root, output: join(folder, 'unnested') });
  assert.deepEqual((await checkData({ tasks: ['videomme'], data: root })).tasks[0].unseen, { videos: [], archives: [] });
});

test('what the protocol does not show is told; a run says the same', async () => {
  const root = join(folder, 'shown');
  await videomme(root, clips);
  await evaluate({ model: fakeModel(() => 'A'), tasks: ['videomme'], data: root, output: join(folder, 'run') });
  const file = (ending: string) => join(root, 'videomme', 'data', `video-1.${ending}`);
  await rename(file('mp4'), file('MP4'));
  const [paper, strict] = await Promise.all((['paper', 'strict'] as const).map((protocol) => checkData({ tasks: ['videomme'], data: root, protocol })));
  assert.deepEqual([paper.tasks[0].notShown, strict.tasks[0].notShown, paper.ok], [1, 0, true]);
});

test('the list has every benchmark, and published numbers under names of tasks', async () => {
  assert.deepEqual(listBenchmarks().map(({ name }) => name), benchmarkNames);
  for (const name of Object.keys(published)) assert.ok(benchmark(name).length > 0);
  const { code, out } = await stave(['eval', '--list']);
  assert.equal(code, 0);
  assert.match(out, /mvbench: 4000 questions in 20 tasks, mvbench_accuracy\n {2}data {3}ROOT\/mvbench_video\/[^]*STAVEQ2 2B +65\.1\n/);
  assert.match(out, / {2}published, % +direction +intensity [^\n]*\n[^]*STAVEQ2 2B +83\.0 +70\.1 /);
  assert.equal((await stave(['eval', 'look'])).code, 2);
});
