/** The grid: what each run is trained by, what the table and the picture say of results, and all of it as a process on a model that knows nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { armsOf, folderOf, runsOf } from '../../bench/ablation/arms.ts';
import { figure } from '../../bench/ablation/figure.ts';
import { readShared, stagesOf } from '../../bench/ablation/recipe.ts';
import { resultsTable, type Results } from '../../bench/ablation/results.ts';
import type { Evaluation, RunResult } from '../../bench/ablation/run.ts';
import { score, type Motion10Record } from '../../src/tasks/index.ts';
import { parseRecipe, readMetrics, train, type Recipe } from '../../src/train/index.ts';
import { openWeights } from '../../src/weights/index.ts';
import { tinyJson } from '../train/tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-ablation-test-'));
after(() => rm(folder, { recursive: true }));

const temporal = ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'];
const lora = { r: 2, alpha: 2, targets: ['attn.qkv', 'q_proj'] };
const recipeJson = {
  data: tinyJson.data, batch: tinyJson.batch, schedule: { warmup_steps: 0 }, eval: { every: 0, clips: 0 }, checkpoint: { every: 1, keep: 1 }, threads: 1,
  optimizer: { lr: 0.01, groups: [{ tensors: ['*.temp_attn.*'], lr: 0.02 }, { tensors: ['*.lora_A.*', '*.norm3.*'], weight_decay: 0 }] },
  stages: [{ steps: 2, trainable: temporal, optimizer: { lr: 0.01 } }, { steps: 2, trainable: temporal, lora }],
};
const recipeFile = join(folder, 'recipe.json');
await writeFile(recipeFile, JSON.stringify(recipeJson, null, 1));

const [alone, first, second] = armsOf(['spatial-first', 'temporal-first'], [0.5]);

const what = (recipes: Recipe[]) => recipes.map(({ steps, trainable, lora: adapters, optimizer }) => [steps, trainable, adapters?.r, optimizer.groups?.map(({ tensors }) => tensors)]);

test('an arm is the recipe with temporal attention or, for the same updates on the same clips, with adapters alone', async () => {
  const shared = await readShared(recipeFile, '/base');
  const stages = (arm: typeof alone, seed = 3) => stagesOf(shared, { arm, seed }, { init: '/base', out: '/out' });
  assert.deepEqual(what(stages(first)), [[2, temporal, undefined, undefined], [2, temporal, 2, [['*.temp_attn.*'], ['*.lora_A.*', '*.norm3.*']]]]);
  assert.deepEqual(what(stages(alone)), [[2, [], 2, undefined], [2, [], 2, [['*.lora_A.*']]]]);
  for (const arm of [alone, first, second]) assert.deepEqual(stages(arm).map(({ data, seed }) => [data.seed, seed]), [[3001, 3], [3002, 3]]);
  assert.deepEqual(runsOf([alone, first], [1, 2]).map(folderOf), ['lora-seed-1', 'spatial-first-0.5-seed-1', 'lora-seed-2', 'spatial-first-0.5-seed-2']);
});

async function refused(json: object, message: RegExp): Promise<void> {
  const file = join(folder, 'other.json');
  await writeFile(file, JSON.stringify(json, null, 1));
  await assert.rejects(readShared(file, '/base'), { code: 'RECIPE', message });
}

test('a recipe that is not one for all runs is refused with its line', async () => {
  await refused({ ...recipeJson, out: 'x' }, /other\.json.*: out is "x"\neach run of the ablation has its own/);
  await refused({ ...recipeJson, stages: [recipeJson.stages[0]] }, /stages\[0\]\.lora is missing\nthe runs without temporal attention train these adapters/);
  await refused({ ...recipeJson, batch: { clip: 2 } }, /other\.json:\d+: .*batch\.clip is not a known field/);
});

/** right: of ten questions about the action, the rest of which name the opposite */
function evaluation(right: number): Evaluation {
  const record: Motion10Record = { id: 'c', video: 'c.mp4', kind: 'action', question: '?', answer: 'Moving something from left to right.' };
  const answers = Array.from({ length: 10 }, (_, i) => ({ record, answer: i < right ? record.answer : 'Moving something from right to left.' }));
  return { fresh: score(answers), reversed: score(answers), seconds: 1 };
}

function result(arm: string, seed: number, right: number): RunResult {
  return { arm, seed, stages: [{ updates: 3, clips: 6, trained: 1000, seconds: 90, median: 30 }, { updates: 3, clips: 6, trained: 2500, seconds: 30, median: 10 }], evaluation: evaluation(right) };
}

const results: Results = {
  command: 'node bench/ablation.ts', machine: { cpu: 'cpu', threads: 1, node: 'v24' }, settings: { format: 'stave ablation 1', base: 'abc', insert: {}, clips: { count: 10, seed: 's', kinds: ['action'] }, recipe: { stages: [] } },
  base: evaluation(4), runs: [result('LoRA alone', 1, 5), result('a', 1, 9), result('LoRA alone', 2, 6), result('a', 2, 7)], left: 0,
};

test('the table has mean and deviation over seeds, and the difference seed by seed', () => {
  const table = resultsTable(results);
  for (const row of ['| right, % | all | action | reversed | above LoRA alone |', '| questions | 10 | 10 | 10 |  |', '| base as it is | 40.0 | 40.0 | 60.0 |  |', '| LoRA alone | 55.0 ± 7.1 | 55.0 ± 7.1 | 45.0 ± 7.1 |  |', '| a | 80.0 ± 14.1 | 80.0 ± 14.1 | 20.0 ± 14.1 | 25.0 ± 21.2 |', '| a | 3 + 3 | 6 + 6 | 0.001 M + 0.003 M | 30.000 + 10.000 | 2.0 |'])
    assert.ok(table.split('\n').includes(row), `${row} is missing in\n${table}`);
  assert.match(resultsTable({ ...results, runs: results.runs.slice(1, 2), left: 3 }), /seeds 1; 3 runs are yet to come[^]*\| a \| 90\.0 \| 90\.0 \| 10\.0 \| - \|/);
});

test('the picture has a dot for each run and measure, drawn to scale, and the base', () => {
  const svg = figure(results);
  const dots = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  assert.equal(dots.length, 3 * results.runs.length);
  const all = dots.slice(0, 4).map(([x]) => x); // LoRA alone 50, 60; a 90, 70
  assert.ok(Math.abs((all[2] - all[0]) / (all[1] - all[0]) - 4) < 0.05);
  assert.equal(new Set(dots.map(([, y]) => y)).size, 2);
  const base = Number(/<path d="M([\d.]+) [^>]*stroke-dasharray/.exec(svg)![1]);
  assert.ok(Math.abs(all[0] - base - (all[1] - all[0])) < 0.15); // 40, as far below 50 as that is below 60
  assert.doesNotMatch(svg, /https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
});

/** @param stopAt interrupts it when it has said this */
function ablation(argv: string[], stopAt?: RegExp): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../bench/ablation.ts', import.meta.url)), ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '', stopped = false;
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
    if (!stopped && stopAt?.test(err)) stopped = child.kill('SIGINT');
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** As the table has them: all, action, yesno, reversed. */
function percents({ fresh, reversed }: Evaluation): string[] {
  return [fresh.overall, fresh.kinds.action!, fresh.kinds.yesno!, reversed.opposites].map(({ right, total }) => ((100 * right) / total).toFixed(1));
}

const isTemporal = (name: string): boolean => /temp_attn|norm3/.test(name);
const isLora = (name: string): boolean => /lora_[AB]/.test(name);

test('a grid that is stopped goes on where it was; its table is that of what lies in the folders', { timeout: 600e3 }, async () => {
  const { temporal_attention: _, ...model } = tinyJson.model;
  const base = (await train(parseRecipe({ ...tinyJson, model, steps: 1, eval: { clips: 0 }, out: 'base' }, folder))).model!;
  const out = join(folder, 'grid');
  const argv = ['--base', base, '--out', out, '--recipe', recipeFile, '--seeds', '1', '--head-scales', '0.5', '--clips', '4', '--kinds', 'action,yesno'];
  const stopped = await ablation(argv, /LoRA alone, seed 1: .*; 1 of 3 runs done/);
  assert.equal(stopped.code, 130, stopped.err);
  assert.match(stopped.err, /^run +updates +weights trained +time of one[^]*\nLoRA alone +2 \+ 2 [^]*\ntemporal-first, 0\.5 +2 \+ 2 +≤ .* seeds 1\neach is asked about 4 clips, 4 of them drawn first[^]*interrupted\n$/m);
  assert.deepEqual((await readdir(out, { recursive: true })).filter((name) => /partial|\.old/.test(name)), []);
  const lone = join(out, 'runs', 'lora-seed-1', 'result.json');
  const written = (await stat(lone)).mtimeMs;

  const { code, out: table, err } = await ablation(argv);
  assert.equal(code, 0, err);
  assert.match(err, /LoRA alone .* done\n/);
  assert.equal((await stat(lone)).mtimeMs, written, 'a finished run is not done again');
  const { base: ofBase, runs, left } = JSON.parse(await readFile(join(out, 'results.json'), 'utf8')) as Results;
  assert.deepEqual([runs.map(({ arm }) => arm), left], [['LoRA alone', 'spatial-first, 0.5', 'temporal-first, 0.5'], 0]);
  assert.deepEqual(table.trimEnd(), (await readFile(join(out, 'results.md'), 'utf8')).trimEnd());
  for (const [name, found] of [['base as it is', ofBase], ...runs.map((run) => [run.arm, run.evaluation] as const)] as const) assert.ok(table.includes(`| ${[name, ...percents(found)].join(' | ')} |`), name);

  const trainedIn = async (run: string, stage: number) => {
    const state = join(out, 'runs', run, `stage-${stage}`, 'checkpoints', 'step-0000002', 'state.safetensors');
    await using weights = await openWeights(state);
    return [...weights.tensors.keys()].filter((name) => name.startsWith('param:'));
  };
  for (const stage of [1, 2]) assert.ok((await trainedIn('lora-seed-1', stage)).every(isLora));
  for (const arm of [first, second]) {
    const run = folderOf({ arm, seed: 1 });
    assert.ok((await trainedIn(run, 1)).every(isTemporal));
    assert.ok((await trainedIn(run, 2)).some(isLora));
    const config = JSON.parse(await readFile(join(out, 'runs', run, 'stage-2', 'model', 'config.json'), 'utf8')) as { temporal_attention: object };
    assert.deepEqual({ ...config.temporal_attention, ...arm.temporal }, config.temporal_attention);
  }
  const shown = (run: string) => Promise.all([1, 2].map(async (stage) => (await readMetrics(join(out, 'runs', run, `stage-${stage}`, 'metrics.jsonl'))).flatMap((line) => ('loss' in line ? [[line.clips, line.tokens]] : []))));
  assert.deepEqual(await shown('spatial-first-0.5-seed-1'), await shown('lora-seed-1'));

  const again = await ablation(argv);
  assert.deepEqual([again.code, again.out, again.err], [0, table, '']);
  const other = await ablation([...argv, '--set', 'stages.0.steps=3']);
  assert.equal(other.code, 1);
  assert.match(other.err, /holds a grid with other settings\nrecipe\.stages\[0\]\.steps: 2 → 3\n/);
});

test('what cannot be run is said, with exit code 2', async () => {
  for (const [argv, says] of [[['--out', 'x'], /--base/], [['--base', '.', '--out', 'x', '--orders', 'sideways'], /--orders sideways[^]*temporal-first/], [['--base', '.', '--out', 'x', '--head-scales', '0'], /--head-scales 0/], [['--bas'], /--bas/]] as const) {
    const { code, err } = await ablation([...argv]);
    assert.equal(code, 2, err);
    assert.match(err, says);
  }
});
