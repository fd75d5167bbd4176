/** The statistics against closed forms, and two runs against each other. */
import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareRuns, evaluate } from '../../src/eval/index.ts';
import { bootstrap, mcnemar, meanPercent, type Pair } from '../../src/eval/statistics.ts';
import { stave } from '../cli/run.ts';
import { fakeModel } from './fake.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'stave-compare-')); });
after(() => rm(folder, { recursive: true, force: true }));

const times = (n: number, pair: Pair): Pair[] => Array.from({ length: n }, () => pair);
const close = (x: number, y: number, tolerance: number) => assert.ok(Math.abs(x - y) <= tolerance, `${x} is not ${y} ± ${tolerance}`);

/** b questions right in the first run alone, c in the second. */
const p = (b: number, c: number): number => mcnemar([...times(b, [1, 0]), ...times(c, [0, 1]), ...times(50, [1, 1]), ...times(7, [0, 0])]).p;

test('McNemar: the binomial tail', () => {
  assert.equal(p(0, 0), 1);
  assert.equal(p(1, 0), 1);
  close(p(5, 0), 2 / 32, 1e-12);
  close(p(10, 2), (2 * (1 + 12 + 66)) / 4096, 1e-12);
  assert.equal(p(10, 2), p(2, 10));
  assert.equal(p(8, 8), 1);
  close(p(1000, 1100), 0.0307, 0.0005); // normal approximation with continuity correction: z = 99 / √2100 = 2.160
  assert.deepEqual(mcnemar([[1, null], [null, 0], [1, 0]]), { onlyA: 1, onlyB: 0, p: 1 }); // what doesn't count is left out
});

test('bootstrap: exact for two questions, the normal interval for many', () => {
  // one question gained, one equal: the mean of two draws is 0, ½, 1 with ¼, ½, ¼
  assert.deepEqual(bootstrap([[[0, 1], [0, 0]]]), [0, 100]);
  assert.deepEqual(bootstrap([[[0, 1], [0, 0]]], { level: 0.4 }), [50, 50]);
  assert.deepEqual(bootstrap([times(20, [0, 1])]), [100, 100]);
  assert.deepEqual(bootstrap([times(20, [1, 1])]), [0, 0]);
  const pairs = [...times(120, [0, 1]), ...times(80, [1, 0]), ...times(500, [1, 1]), ...times(300, [0, 0])];
  const n = pairs.length, mean = 0.04, se = Math.sqrt((0.2 - mean ** 2) / n);
  const [low, high] = bootstrap([pairs]);
  close(low, 100 * (mean - 1.96 * se), 0.25);
  close(high, 100 * (mean + 1.96 * se), 0.25);
  assert.deepEqual(bootstrap([pairs]), [low, high]); // seeded
  assert.notDeepEqual(bootstrap([pairs], { seed: 1 }), [low, high]);
});

function width(pairs: Pair[]): number {
  const [low, high] = bootstrap([pairs]);
  return high - low;
}

test('strata weigh alike, however many questions they have; pairing narrows the interval', () => {
  const strata = [times(10, [0, 1]), times(1000, [0, 0])];
  assert.deepEqual([meanPercent(strata, 0), meanPercent(strata, 1)], [0, 50]);
  assert.deepEqual(bootstrap(strata), [50, 50]);
  assert.equal(meanPercent([[[null, 1], [1, 1]]], 0), 100); // of one that counts
  assert.ok(width([...times(500, [1, 1]), ...times(450, [0, 0]), ...times(50, [0, 1])]) < width([...times(275, [1, 1]), ...times(275, [0, 1]), ...times(225, [1, 0]), ...times(225, [0, 0])]));
});

/** Two hundred questions of two kinds, answered by each model. */
async function run(name: string, right: (i: number) => boolean, limit?: number): Promise<string> {
  const data = join(folder, 'data'), output = join(folder, name);
  await mkdir(join(data, 'motion10'), { recursive: true });
  await writeFile(join(data, 'motion10', 'c.mp4'), '');
  await writeFile(join(data, 'motion10', 'labels.jsonl'), Array.from({ length: 200 }, (_, i) => `${JSON.stringify({ id: `q${i}`, video: 'c.mp4', kind: i % 2 === 0 ? 'describe' : 'count', question: `${i}`, answer: `${i}` })}\n`).join(''));
  await evaluate({ model: fakeModel((prompt) => (right(Number(prompt)) ? prompt : 'none'), { fingerprint: name }), tasks: ['motion10'], data, output, limit });
  return output;
}

test('two runs: per task and category, flips both ways, and what only one was asked', async () => {
  const a = await run('a', (i) => i < 100), b = await run('b', (i) => i >= 40 && i < 180), short = await run('short', () => true, 50);
  const { rows, flips, unpaired } = await compareRuns(a, b);
  const [all, count, describe] = rows;
  assert.deepEqual([all.name, all.questions, all.a, all.b, all.difference, all.onlyA, all.onlyB], ['motion10', 200, 50, 70, 20, 40, 80]);
  assert.deepEqual([count.category, count.questions, count.a, count.b], [{ kind: 'kind', name: 'count' }, 100, 50, 70]);
  assert.equal(describe.category!.name, 'describe');
  assert.ok(all.p < 0.001 && all.interval[0] > 0);
  assert.deepEqual([flips.length, flips.filter(({ gained }) => gained).length, flips[0]], [120, 80, { task: 'motion10', id: 0, target: '0', a: '0', b: 'none', gained: false }]);
  assert.equal(unpaired, 0);
  assert.equal((await compareRuns(a, short)).unpaired, 150);
  const same = await compareRuns(a, a);
  assert.deepEqual([same.rows[0].difference, same.rows[0].interval, same.rows[0].p, same.flips.length], [0, [0, 0], 1, 0]);
  const { code, out } = await stave(['compare', a, b, '--flips', '2']);
  assert.equal(code, 0);
  assert.match(out, /motion10 +200 +50\.0 +70\.0 +\+20\.0 +\+\d+\.\d to \+\d+\.\d +40 +80 +<0\.001/);
  assert.ok(out.startsWith(`A: ${a}, `) && out.includes(`\nB: ${b}, `)); // models are often of one name
  assert.match(out, /120 answers flipped: 80 right in B alone, 40 in A alone\nA right {2}motion10 row 0: "0"; A: "0", B: "none"\n.*\n$/);
  assert.equal((JSON.parse((await stave(['compare', a, b, '--json'])).out) as { flips: object[] }).flips.length, 120);
});

test('runs that are none, or asked different things, are refused', async () => {
  const a = await run('a', (i) => i < 100);
  await assert.rejects(compareRuns(a, folder), { code: 'DATA', message: /holds no finished run/ });
  const strict = join(folder, 'strict');
  await evaluate({ model: fakeModel(() => 'x'), tasks: ['motion10'], data: join(folder, 'data'), output: strict, protocol: 'strict' });
  await assert.rejects(compareRuns(a, strict), { code: 'DATA', message: /paper[^]*strict/ });
  await writeFile(join(folder, 'data', 'motion10', 'labels.jsonl'), `${JSON.stringify({ id: 'q', video: 'c.mp4', kind: 'count', question: 'other', answer: '1' })}\n`);
  const other = join(folder, 'other');
  await evaluate({ model: fakeModel(() => 'x'), tasks: ['motion10'], data: join(folder, 'data'), output: other });
  await assert.rejects(compareRuns(a, other), { code: 'DATA', message: /motion10, row 0: the runs asked different things/ });
});
