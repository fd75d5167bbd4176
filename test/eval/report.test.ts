/** The report: what stands in it, that nothing of a model or of data becomes markup, and its filter. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { evaluate, writeReport, type Report } from '../../src/eval/index.ts';
import type { Answered } from '../../src/eval/finished.ts';
import type { ReportQuestion } from '../../src/eval/report/collect.ts';
import { Pictures } from '../../src/eval/report/pictures.ts';
import { sample } from '../../src/eval/report/samples.ts';
import { script } from '../../src/eval/report/script.ts';
import { wilson } from '../../src/eval/statistics.ts';
import { escape } from '../../src/pages/html.ts';
import { renderSet, type Motion10Record } from '../../src/tasks/index.ts';
import { stave } from '../cli/run.ts';
import { fakeModel } from './fake.ts';
import { all, parse, textOf, type Element } from './markup.ts';

/** What a model or a data set may hold. */
const hostile = [
  '<script>alert(1)</script>', '</pre></article><img src=x onerror=alert(1)>', '"><svg onload=alert(1)>', "' onmouseover='alert(1)", '</script><script>alert(1)//', '<!--', ']]>', '&lt;b&gt; &amp; &#x3c;', '=HYPERLINK("http://x.test","click")',
  '\u202Eevil\u202C, "two"\nlines', '\ud800 half', '\0\x1b[31m',
];

let folder: string, data: string, records: Motion10Record[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-report-'));
  data = join(folder, 'data');
  const { labels } = await renderSet(join(data, 'motion10'), { seed: 'report', count: 2, codec: 'h264' });
  const lines = (await readFile(labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
  records = hostile.map((text, i) => ({ ...lines[i % lines.length], id: `q${i}`, kind: i % 2 === 0 ? 'describe' : 'color', question: `Q ${i} ${text}`, answer: i % 2 === 0 ? `Truth ${text}` : 'Blue.' }));
  await writeFile(labels, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const say = (right: (i: number) => boolean) => (prompt: string) => {
    const i = records.findIndex(({ question }) => question === prompt);
    return right(i) ? records[i].answer : hostile[i];
  };
  for (const [name, right, mode] of [['a', () => false, 'both'], ['b', (i: number) => i % 3 === 0, 'generate']] as const)
    await evaluate({ model: fakeModel(say(right), { fingerprint: `<${name}>` }), tasks: ['motion10'], data, output: join(folder, name), mode });
});
after(() => rm(folder, { recursive: true, force: true }));

/** As a page can hold it. */
const shown = (text: string): string => text.toWellFormed().replaceAll(/[\0\x1b]/g, '\ufffd'); // eslint-disable-line no-control-regex

const read = (path: string): Promise<string> => readFile(path, 'utf8');

/** @returns the parsed page */
async function pageOf(path: string): Promise<Element> {
  return parse(await read(path));
}

test('whatever answers, questions and names hold stays text, and nothing outside is asked for', async () => {
  const { page, withoutPicture } = await writeReport([join(folder, 'a'), join(folder, 'b')]);
  assert.equal(withoutPicture, 0);
  const root = await pageOf(page);
  const elements = all(root);
  assert.equal(elements.filter(({ tag }) => tag === 'script').length, 1);
  for (const { tag, attributes } of elements) {
    assert.ok(!['iframe', 'object', 'embed', 'link', 'base', 'a'].includes(tag), tag);
    for (const [name, value] of Object.entries(attributes)) {
      assert.ok(!name.startsWith('on') && !['style', 'href', 'srcset', 'action', 'xlink:href'].includes(name), `${tag} ${name}`);
      if (name === 'src') assert.match(value, /^data:image\/jpeg;base64,[A-Za-z0-9+/]+=*$/);
    }
  }
  const prompts = all(root, 'pre').map(textOf), said = all(root, 'dd').map(textOf);
  for (const [i, text] of hostile.entries()) {
    assert.ok(prompts.includes(`Q ${i} ${shown(text)}`), text);
    assert.ok(said.some((one) => one.startsWith(`wrong: ${shown(text).trim()}`)), text);
  }
  const [policy] = all(root, 'meta').flatMap(({ attributes }) => (attributes['http-equiv'] === 'Content-Security-Policy' ? [attributes.content] : []));
  assert.match(policy, /^default-src 'none'; img-src data:; /);
  for (const [tag, directive] of [['script', 'script-src'], ['style', 'style-src']]) assert.ok(policy.includes(`${directive} 'sha256-${createHash('sha256').update(textOf(all(root, tag)[0])).digest('base64')}'`));
  assert.equal(escape(`<&>"'\t\n`), '&lt;&amp;&gt;&quot;&#39;\t\n');
});

test('numbers, bars, differences and pictures are those of the runs', async () => {
  const { page, report } = await writeReport([join(folder, 'a'), join(folder, 'b')], { out: join(folder, 'two'), frames: 3 });
  const root = await pageOf(page);
  const rows = all(root, 'tr').map((row) => row.children.flatMap((cell) => (typeof cell === 'string' ? [] : [textOf(cell)])));
  const right = records.filter((_, i) => i % 3 === 0).length, n = records.length;
  const [low, high] = wilson(right, n);
  assert.deepEqual(rows.find(([name, , , notes]) => name === 'motion10' && /unmatched|^$/.test(notes))!.slice(4, 6), [`${((100 * right) / n).toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})`, `${right}/${n}`]);
  assert.deepEqual(report.comparisons.map(({ a, b, rows: [row], flips }) => [a, b, row.name, row.difference, flips.length]), [['A', 'B', 'motion10', (100 * right) / n, right], ['A generated', 'A decided', 'motion10: generate → decide', 0, 0]]);
  assert.deepEqual(report.tasks.map(({ label, results }) => [label, results.map((result) => result?.counted ?? null)]), [['motion10', [n, n]], ['motion10_decide', [n / 2, null]]]);
  const [svg] = all(root, 'svg').filter(({ attributes }) => attributes.role === 'img');
  assert.equal(svg.attributes['aria-label'], `motion10. all: A 0.0 %, B ${((100 * right) / n).toFixed(1)} %`);
  assert.deepEqual(all(svg, 'rect').map(({ attributes }) => Number(attributes.width)), [0, Number(((360 * right) / n).toFixed(1))]);
  const [image] = all(root, 'img');
  assert.deepEqual([...Buffer.from(image.attributes.src.slice('data:image/jpeg;base64,'.length), 'base64').subarray(0, 3)], [0xff, 0xd8, 0xff]);
  assert.match(image.attributes.alt, /^1 of 1 frames of motion10\/clip-0000\d\.mp4, side by side$/);
  const { questions } = JSON.parse(await read(join(folder, 'two', 'report.json'))) as Report;
  assert.deepEqual(questions.filter(({ label }) => label === 'motion10').map(({ prompt, answers }) => [prompt, answers.map((answer) => answer!.score)]), records.map(({ question }, i) => [question, [0, i % 3 === 0 ? 1 : 0]]));
  const [, first] = (await read(join(folder, 'two', 'results.csv'))).split('\r\n');
  assert.equal(first, 'A,fake,motion10,,,0,12,0,0,0,0');
  const samples = await read(join(folder, 'two', 'samples.csv'));
  assert.ok(samples.includes(`"'=HYPERLINK(""http://x.test"",""click"")"`)); // no formula
  assert.equal(parseCsv(samples).length, 1 + 2 * n + n / 2);
});

/** Records of RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  for (const line of text.match(/(?:"(?:[^"]|"")*"|[^"\r\n])*\r\n/g)!) rows.push(line.slice(0, -2).match(/"(?:[^"]|"")*"|[^,]+|(?<=,|^)(?=,|$)/g)!);
  return rows;
}

test('a page without its pictures says why; files that a run names and the data does not are not opened', async () => {
  const b = join(folder, 'b'), file = join(b, 'samples_motion10.jsonl'), text = await read(file);
  await writeFile(file, text.replaceAll(/"video":"[^"]*"/g, '"video":"motion10/../../secret.mp4"'));
  const { page, withoutPicture, shown } = await writeReport([b], { out: join(folder, 'stranger'), samples: 3 });
  assert.deepEqual([withoutPicture, shown], [3, 3]);
  assert.match(await read(page), /No picture: no question of the data names this video/);
  await writeFile(file, text);
  await rename(data, `${data}.away`);
  try {
    const { code, out, err } = await stave(['report', b, '--out', join(folder, 'away'), '--json']);
    assert.equal(code, 0, err);
    assert.deepEqual(JSON.parse(out), { page: join(folder, 'away', 'index.html'), shown: 12, questions: 12, withoutPicture: 12 });
    assert.match(await read(join(folder, 'away', 'index.html')), /No picture: there is no /);
  } finally {
    await rename(`${data}.away`, data);
  }
  const { code, err } = await stave(['report', folder]);
  assert.equal(code, 1);
  assert.match(err, /holds no finished run/);
});

test('the filter shows what fits: wrong ones, a task, words', async () => {
  const { page } = await writeReport([join(folder, 'a'), join(folder, 'b')], { out: join(folder, 'filter'), frames: 0 });
  const articles = all(await pageOf(page), 'article').map((element) => ({ dataset: { task: element.attributes['data-task'], states: element.attributes['data-states'] }, textContent: textOf(element), hidden: false }));
  const listeners: Record<string, (event: unknown) => void> = {};
  const form = { hidden: true, elements: Object.fromEntries(['state', 'task', 'text'].map((name) => [name, { value: '' }])), addEventListener: (name: string, listener: () => void) => (listeners[name] = listener) };
  const count = { textContent: '' };
  runInNewContext(script, { document: { getElementById: (id: string) => ({ filter: form, count })[id], querySelectorAll: () => articles } });
  assert.deepEqual([form.hidden, count.textContent], [false, '18 of 18 shown']);
  const shown = (values: Record<string, string>) => {
    for (const [name, element] of Object.entries(form.elements)) element.value = values[name] ?? '';
    listeners.input({});
    return articles.filter(({ hidden }) => !hidden).length;
  };
  assert.equal(shown({ state: 'flipped' }), 4);
  assert.equal(shown({ state: 'right' }), 4);
  assert.equal(shown({ state: 'wrong', task: 'motion10_decide' }), 6);
  assert.equal(shown({ text: 'HYPERLINK' }), 1);
  assert.equal(shown({ text: 'not in there' }), 0);
  assert.equal(count.textContent, '0 of 18 shown');
});

const answered = (more: Partial<Answered> = {}): Answered => ({ task: 't', id: 0, question: 'q', prompt: 'p', text: '', answer: '', finish_reason: 'stop', target: 'A', score: 0, counted: true, chosen: '', unmatched: false, categories: {}, seen: [], without: [], tokens: { prompt: 1, visual: 0, answer: 0 }, ...more });
const questionOf = (answer: Answered, task = 't'): ReportQuestion => ({ label: task, task, id: 0, prompt: 'p', target: 'A', categories: {}, answers: [answer], flipped: false });

test('an answer that is not counted is shown as that, not among the wrong ones', () => {
  for (const [answer, states, verdict] of [[answered({ counted: false }), 'not-counted', 'not counted'], [answered(), 'wrong', 'wrong'], [answered({ score: 1 }), 'right', 'right']] as const) {
    const [article] = all(parse(sample(questionOf(answer), [], ['A']).markup), 'article');
    assert.equal(article.attributes['data-states'], states);
    const [said] = all(article, 'dd').slice(-1);
    assert.match(textOf(said), new RegExp(`^${verdict}:`));
  }
});

test('a picture is of the file that its task means by the name', async () => {
  const pictures = new Pictures({ data, protocol: 'paper', frames: 2 });
  const [line] = (await read(join(folder, 'b', 'samples_motion10.jsonl'))).split('\n');
  const { seen } = JSON.parse(line) as Answered;
  const [here] = await pictures.of(questionOf(answered({ seen }), 'motion10'));
  assert.ok(here.strip !== undefined, here.why);
  const [elsewhere] = await pictures.of(questionOf(answered({ seen }), 'ssv2_t10')); // has no data here
  assert.equal(elsewhere.strip, undefined);
});
