/** Every benchmark from its files to its table, on miniature data in the real layouts. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareRuns, evaluate, storedModel, type EvalOptions, type EvalResult } from '../../src/eval/index.ts';
import { boxModel } from '../../src/generate/index.ts';
import { stave } from '../cli/run.ts';
import { fakeModel, type Asked } from './fake.ts';
import { mvbench, renderClips, ssv2, videomme, vitatecs, type Clips } from './miniature.ts';

let folder: string, data: string, clips: Clips;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-benchmarks-'));
  data = join(folder, 'data');
  clips = await renderClips(join(folder, 'clips'));
  for (const build of [vitatecs, mvbench, videomme, ssv2]) await build(data, clips);
});
after(() => rm(folder, { recursive: true, force: true }));

let runs = 0;
async function run(tasks: string[], say: (prompt: string, asked: Asked) => string, options: Partial<EvalOptions> = {}): Promise<{ result: EvalResult; asked: Asked[]; output: string }> {
  const asked: Asked[] = [], output = join(folder, `run-${runs++}`);
  const { result } = await evaluate({ model: fakeModel(say, { asked }), tasks, data, output, ...options });
  return { result: result!, asked, output };
}

const samplesOf = async (output: string, task: string) => (await readFile(join(output, `samples_${task}.jsonl`), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { id: number; prompt: string; target: string; score: number; seen: { video: string; frames: object[]; sizes: { source: object; crop?: object } }[] });

test('vitatecs: six aspects, the letter of the caption; an answer without a choice is unmatched and wrong', async () => {
  const { result, asked, output } = await run(['vitatecs'], (prompt) => (prompt.includes('type 1') ? 'Hm.' : /\(([AB])\) A shape rises/.exec(prompt)![1]));
  assert.deepEqual(result.tasks.map(({ task, right, counted, unmatched }) => [task, right, counted, unmatched]), ['direction', 'intensity', 'sequence', 'compositionality', 'localization', 'type'].map((aspect) => [`vitatecs_${aspect}`, aspect === 'type' ? 1 : 2, 2, aspect === 'type' ? 1 : 0]));
  assert.deepEqual(result.groups.map(({ group, mean, right, counted }) => [group, mean, right, counted]), [['vitatecs', 550 / 6, 11, 12]]);
  const [{ messages, options }] = asked;
  assert.deepEqual(messages[0], { role: 'system', content: 'You are a helpful assistant.' });
  assert.deepEqual(messages[1].content, [{ type: 'video', video: join(data, 'vitatecs', 'VATEX', 'Direction-0.mp4') }, { type: 'text', text: (await samplesOf(output, 'vitatecs_direction'))[0].prompt }]);
  const { signal: _, after: __, ...settings } = options as { signal?: unknown; after?: unknown };
  assert.deepEqual(settings, { max_new_tokens: 128, do_sample: false, eos_token: '<|im_end|>', sampling: { rule: 'lmms', max_frames: 32 }, min_pixels: 3136, max_pixels: 200704, temporal_scope: 'item' });
});

test('answers to tasks that were not named are told, and a comparison names the tasks that only one run has', async () => {
  const { output } = await run(['vitatecs_type'], () => 'A'), { output: both } = await run(['vitatecs_type', 'vitatecs_sequence'], () => 'A');
  const { others, result } = await evaluate({ model: fakeModel(() => 'A'), tasks: ['vitatecs_sequence'], data, output });
  assert.deepEqual([others, result!.tasks.map(({ task }) => task)], [['vitatecs_type'], ['vitatecs_sequence']]);
  const { rows, alone } = await compareRuns(both, output);
  assert.deepEqual([rows.map(({ name }) => name)[0], alone], ['vitatecs_sequence', { a: ['vitatecs_type'], b: [] }]);
  assert.match((await stave(['compare', both, output])).out, /\nnot compared, as A alone has it: vitatecs_type\n/);
});

test('mvbench: twenty tasks in the Hub\'s cache, and the mean of them', async () => {
  const { result, output } = await run(['mvbench'], (prompt) => (prompt.includes('action_count') ? '' : 'The answer is (B)'), { protocol: 'strict' });
  assert.equal(result.tasks.length, 20);
  assert.deepEqual(result.groups.map(({ group, mean, counted }) => [group, mean, counted]), [['mvbench', 47.5, 40]]);
  assert.ok((await samplesOf(output, 'mvbench_egocentric_navigation'))[1].seen[0].video.endsWith('vlnqa/egocentric_navigation/1.mp4'));
  const { result: paper } = await run(['mvbench_action_count'], () => '');
  assert.deepEqual([paper.tasks[0].counted, paper.tasks[0].questions, paper.groups], [0, 2, []]); // empty answers aren't counted there
});

test('videomme: archives unpacked once, categories, subtitles in the prompt of those that have a file', async () => {
  const { result, output, asked } = await run(['videomme', 'videomme_w_subtitle'], (prompt) => (prompt.includes('in 1 do') ? 'B' : 'A'));
  assert.deepEqual(result.tasks.map(({ right, counted }) => [right, counted]), [[2, 3], [2, 3]]);
  assert.deepEqual(result.tasks[0].categories.duration, { short: { right: 1, counted: 1, percent: 100 }, medium: { right: 1, counted: 1, percent: 100 }, long: { right: 0, counted: 1, percent: 0 } });
  const prompts = (await samplesOf(output, 'videomme_w_subtitle')).map(({ prompt }) => prompt.split('\n')[1]);
  assert.deepEqual(prompts, ['Look, it goes up!', 'No subtitles available', 'No subtitles available']);
  assert.deepEqual((await readdir(join(data, 'videomme', 'data'))).toSorted(), ['video-0.mp4', 'video-1.mp4', 'video-2.mp4']);
  assert.equal(asked.length, 6);
  const lmms = join(output, 'lmms', 'fake');
  const [results] = (await readdir(lmms)).filter((name) => name.endsWith('_results.json'));
  const file = JSON.parse(await readFile(join(lmms, results), 'utf8')) as { results: Record<string, Record<string, unknown>>; 'n-samples': object };
  assert.equal(file.results.videomme['videomme_perception_score,none'], result.tasks[0].percent);
  assert.deepEqual(file['n-samples'], { videomme: { original: 3, effective: 3 }, videomme_w_subtitle: { original: 3, effective: 3 } });
});

test('videomme: what the harness does not show is asked without a video and counted; strict shows it', async () => {
  const [from, to] = ['mp4', 'mkv'].map((ending) => join(data, 'videomme', 'data', `video-1.${ending}`));
  await rename(from, to);
  try {
    assert.deepEqual((await run(['videomme'], () => 'A')).result.tasks[0].without_video, 1);
    const { result, output } = await run(['videomme'], () => 'A', { protocol: 'strict' });
    assert.equal(result.tasks[0].without_video, 0);
    assert.equal((await samplesOf(output, 'videomme'))[1].seen.length, 1);
  } finally {
    await rename(to, from);
  }
});

test('a damaged subtitle file and a damaged table are told before the model is asked for', async () => {
  const file = join(data, 'videomme', 'subtitle', 'video-0.srt'), text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('00:00:30,000', 'soon'));
  const early = { info: () => assert.fail('too late'), load: () => assert.fail('too late') };
  await assert.rejects(run(['videomme_w_subtitle'], () => '', { model: early }), { code: 'DATA', message: /video-0\.srt, section 1/ });
  await writeFile(file, text);
  const table = join(data, 'vitatecs', 'Type', 'test-00000-of-00001.parquet'), bytes = await readFile(table);
  await writeFile(table, 'version https://git-lfs.github.com/spec/v1\n');
  await assert.rejects(run(['vitatecs_type'], () => '', { model: early }), { code: 'DATA', message: /Type.test-00000-of-00001\.parquet is no parquet file/ });
  await writeFile(table, bytes);
});

function pickingUp(prompt: string): string {
  assert.match(prompt, /What is the action happening in this video\?$/);
  return 'The action happening in this video is: Picking [something] up';
}

test('ssv2_t10: the test part of the split, 8 frames over the clip under the strict protocol', async () => {
  const paper = await run(['ssv2_t10'], pickingUp);
  const [{ right, counted, categories }] = paper.result.tasks;
  assert.equal(counted, 60); // a fifth of the three hundred clips of the ten classes
  assert.equal(right, categories.class['Picking [something] up'].counted);
  assert.match(JSON.stringify(JSON.parse(await readFile(join(paper.output, 'manifest.json'), 'utf8'))), /drawn with the seed/);
  const { asked } = await run(['ssv2_t10'], pickingUp, { protocol: 'strict', limit: 2 });
  assert.equal(asked.length, 2);
  for (const { messages: [{ content }] } of asked) {
    const video = (content as unknown as { video: { index: number; width: number }[] }[])[1].video;
    assert.equal(video.length, 8);
    assert.ok(video.every(({ width, index }, i) => width > 0 && (i === 0 || index > video[i - 1].index)));
  }
});

test('ssv2_vsm: three videos cut to one size form one sequence under the paper\'s protocol', async () => {
  const { asked, output, result } = await run(['ssv2_vsm'], () => 'Example 1', { limit: 3 });
  assert.equal(result.tasks[0].unmatched, 3); // a judge decides there, and none is asked
  for (const { messages: [{ content }], options } of asked) {
    const videos = (content as unknown as { type: string; video: { width: number; height: number }[] }[]).flatMap((part) => (part.type === 'video' ? [part.video] : []));
    assert.equal(videos.length, 3);
    assert.equal(new Set(videos.flat().map(({ width, height }) => `${width}x${height}`)).size, 1);
    assert.equal((options as { temporal_scope: string }).temporal_scope, 'all');
  }
  assert.ok((await samplesOf(output, 'ssv2_vsm')).some(({ seen }) => seen.some(({ sizes }) => sizes.crop !== undefined)), 'the clips differ in size');
  assert.equal((await run(['ssv2_vsm'], () => 'Example 1', { limit: 3, protocol: 'strict' })).result.tasks[0].unmatched, 0);
});

test('ssv2_174: ids and answers of the test set', async () => {
  const { result, output } = await run(['ssv2_174'], () => 'nothing');
  assert.deepEqual([result.tasks[0].counted, result.tasks[0].right], [2, 0]);
  assert.match((await samplesOf(output, 'ssv2_174'))[0].target, /^The action happening in this video is: /);
  const [converted, original] = [join('data_mp4', '000.mp4'), join('20bn-something-something-v2', '000.webm')].map((path) => join(data, 'ssv2', path));
  await mkdir(dirname(original));
  await rename(converted, original);
  const { asked } = await run(['ssv2_174'], () => 'nothing', { limit: 1 });
  await rename(original, converted);
  assert.ok(JSON.stringify(asked[0].messages).includes(JSON.stringify(original)));
});

test('the model in the box answers a question of each, decoding what each protocol shows', async () => {
  const output = join(folder, 'box');
  const { result } = await evaluate({ model: storedModel(boxModel), tasks: ['vitatecs_type', 'mvbench_action_count', 'videomme_w_subtitle', 'ssv2_t10', 'ssv2_vsm'], data, output, limit: 1 });
  assert.deepEqual(result!.tasks.map(({ questions }) => questions), [1, 1, 1, 1, 1]);
  const [{ seen }] = await samplesOf(output, 'ssv2_vsm');
  assert.deepEqual(seen.map(({ frames }) => frames.length), [8, 8, 8]);
});
