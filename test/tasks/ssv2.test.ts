import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/clips/index.ts';
import { seededDraws } from '../../src/tasks/draws.ts';
import { commonCrop, taskFrames } from '../../src/tasks/frames.ts';
import { isOpen, type Protocol } from '../../src/tasks/task.ts';
import { readAnnotations, type Annotation } from '../../src/tasks/ssv2/annotations.ts';
import { clipPixels } from '../../src/tasks/ssv2/clip-224.ts';
import { t10Classes } from '../../src/tasks/ssv2/classes.ts';
import { readJudged, writeJudged } from '../../src/tasks/ssv2/judged-file.ts';
import { labels174 } from '../../src/tasks/ssv2/labels-174.ts';
import { actionRecord, answerOf, videosOf } from '../../src/tasks/ssv2/record.ts';
import { misplacedClasses, readTestAnswers, referenceTestClass } from '../../src/tasks/ssv2/reference-174.ts';
import { ssv2With174, testClass, top1, trainClass } from '../../src/tasks/ssv2/ssv2-174.ts';
import { t10, t10Split, t10TrainCount } from '../../src/tasks/ssv2/t10.ts';
import { readT10Results, writeT10Results } from '../../src/tasks/ssv2/t10-results-file.ts';
import { vsm } from '../../src/tasks/ssv2/vsm.ts';
import { buildVsm, vsmRecord } from '../../src/tasks/ssv2/vsm-build.ts';
import { zeroShotSamples } from '../../src/tasks/ssv2/zero-shot.ts';

const templates = [...t10Classes, 'Opening [something]', 'Closing [something]'];
const annotations: Annotation[] = readAnnotations(Array.from({ length: 240 }, (_, i) => ({ id: String(i), label: '', template: templates[i % 12], placeholders: ['x'] })));
const draws = (seed: string) => seededDraws(random(seed));

test('T10: four of five samples train, the others test, none is lost', () => {
  for (let n = 0; n <= 2000; n++) assert.ok(Math.abs(t10TrainCount(n) - 0.8 * n) < 1 && t10TrainCount(n) <= 0.8 * n, String(n));
  const { train, test } = t10Split(annotations, draws('t10'));
  assert.deepEqual([train.length, test.length], [160, 40]);
  const videos = [...train, ...test].flatMap(videosOf);
  assert.equal(new Set(videos).size, 200, 'ten of twelve classes');
  assert.notDeepEqual(videos, videos.toSorted(), 'shuffled');
  assert.deepEqual(t10Split(annotations, draws('t10')), { train, test });
});

test('T10: where the protocols part', () => {
  const row = actionRecord({ id: '1', template: 'Picking [something] up' });
  const points = (answer: string) => (['paper', 'strict'] as const).map((protocol) => { const verdict = t10(protocol).score(row, answer); return isOpen(verdict) ? undefined : verdict.score; });
  assert.deepEqual(points(`${answerOf(row)}<|im_end|>`), [1, 1]);
  assert.deepEqual(points('The action happening in this video is: Picking something up.'), [0, 1]);
  assert.deepEqual(points('picking [something] up'), [0, 1]);
  assert.deepEqual(points('The action happening in this video is: Picking [something] up and down'), [0, 0]);
  const clip = { frames: 300, fps: 30, duration: 10 };
  const frames = (protocol: Protocol) => taskFrames(clip, t10(protocol).settings.frames).times;
  assert.ok(frames('paper').every((time) => time < 4), 'the first four seconds');
  assert.deepEqual([frames('strict').length, frames('strict').at(-1)], [8, 299 / 30]);
  const result = t10().result([1, 0].map((score) => ({ score: score as 0 | 1, counted: true, chosen: '', categories: { class: t10Classes[7] }, record: {} })));
  assert.equal(result.categories.class[t10Classes[7]].percent, 50);
});

test('the T10 result file: one line break shifts what follows; records don\'t', () => {
  const right = { output: 'a', truth: 'a' };
  const answers = [{ output: 'a\nb', truth: 'a' }, right, right];
  assert.deepEqual(readT10Results(writeT10Results([right, right])), { total: 2, right: 2, percent: 100 });
  assert.equal(readT10Results(writeT10Results(answers)).right, 0);
});

test('VSM: one example of a positive sample shows its action, none of a negative one; nothing of the training file is asked', () => {
  const training = annotations.slice(0, 60).map(actionRecord);
  const samples = buildVsm(annotations, training, draws('vsm'));
  assert.deepEqual(buildVsm(annotations, training, draws('vsm')), samples);
  assert.equal(samples.length, 150, 'fifteen a class');
  assert.equal(samples.filter(({ is_positive }) => is_positive).length, 120);
  const templateOf = new Map(annotations.map(({ id, template }) => [id, template]));
  for (const sample of samples) {
    assert.ok(Number(sample.id) >= 60);
    assert.equal(sample.context_examples.filter(({ id }) => templateOf.get(id) === sample.template).length, sample.is_positive ? 1 : 0);
    assert.equal(new Set([sample.id, ...sample.context_examples.map(({ id }) => id)]).size, 3, 'three videos');
    const [, number] = /Example (\d)$/.exec(answerOf(vsmRecord(sample))) ?? [];
    assert.equal(number !== undefined, sample.is_positive);
    if (number) assert.equal(sample.context_examples[Number(number) - 1].template, sample.template);
  }
  assert.throws(() => buildVsm(annotations.filter(({ template }, i) => template !== t10Classes[0] || i === 0), [], draws('one')), { code: 'DATA', message: /a second video of "Pulling/ });
  assert.throws(() => buildVsm(annotations.filter(({ template }) => template !== t10Classes[0]), [], draws('none')), { code: 'DATA', message: /a video of "Pulling/ });
  assert.throws(() => vsmRecord({ ...samples[0], is_positive: true, context_examples: [] }), { code: 'DATA' });
});

test('VSM: the judge on paper, the named example when strict', () => {
  const row = vsmRecord({ id: '1', template: 'x', context_examples: [{ id: '2', template: 'y' }, { id: '3', template: 'x' }], is_positive: true });
  const paper = vsm().score(row, 'Example 2');
  assert.ok(isOpen(paper));
  assert.deepEqual(['Yes.', 'No, yes would be wrong', 'No.', undefined].map((reply) => paper.settle(reply)!.score), [1, 1, 0, 0]);
  const points = (answer: string) => { const verdict = vsm('strict').score(row, answer); return isOpen(verdict) ? undefined : verdict.score; };
  assert.deepEqual(['Example 2', 'The related example is example 2.', '2', 'Example 1', 'Example 1 or Example 2', 'No related action', ''].map(points), [1, 1, 1, 0, 0, 0, 0]);
  assert.deepEqual([vsm().settings.temporal_scope, vsm('strict').settings.temporal_scope], ['all', 'item']);
});

test('a common crop is the smallest height and width, cut at the centre', () => {
  assert.deepEqual(commonCrop([{ height: 10, width: 21 }, { height: 13, width: 20 }]), [{ top: 0, left: 0, height: 10, width: 20 }, { top: 1, left: 0, height: 10, width: 20 }]);
});

test('answers for the judge are read back as they were, but where they hold the file\'s own marks', () => {
  const rows = [{ label: 'a', response: 'one\ntwo' }, { label: 'b', response: 'three' }];
  assert.deepEqual(readJudged(writeJudged(rows), 'zero-shot'), rows);
  assert.deepEqual(readJudged(writeJudged([{ label: 'a', response: 'x\nLabel: b' }]), 'zero-shot'), [{ label: 'b', response: 'x' }]);
});

test('174 classes: every template has its id, with brackets and without; the reference loses class 115', () => {
  assert.equal(new Set(labels174.map((label) => label.replaceAll(/[[\]]/g, '').toLowerCase())).size, 174);
  for (const [id, label] of labels174.entries()) {
    const template = label.replaceAll(/[[\]]/g, '');
    assert.equal(trainClass(actionRecord({ id: '1', template: label })), id);
    assert.equal(testClass(readTestAnswers(`7;${template}\r\n`).get('7')!), id);
    assert.equal(referenceTestClass(readTestAnswers(`7;${template}\n`, { whole: false }).get('7')!), id === 115 ? 116 : id);
  }
  assert.deepEqual(misplacedClasses(), [115]);
  assert.throws(() => readTestAnswers('1;a\n2\n'), { code: 'DATA', message: /line 2/ });
  const task = ssv2With174(), row = task.read([actionRecord({ id: '1', template: 'Opening something' })])[0];
  const points = (answer: string, protocol: Protocol) => { const verdict = ssv2With174(protocol).score(row, answer); return isOpen(verdict) ? undefined : verdict.score; };
  for (const [answer, paper, strict] of [['The action happening in this video is: Opening [something]', 1, 1], ['Opening something', 0, 1], ['The action happening in this video is: opening something.', 0, 1], ['Closing something', 0, 0]] as const)
    assert.deepEqual([points(answer, 'paper'), points(answer, 'strict')], [paper, strict], answer);
});

test('top-1: the first of equals; nothing to count is an error', () => {
  assert.equal(top1([[1, 3, 3], [2, 1, 0], [0, 0, 1]], [1, 1, 2]), 2 / 3);
  assert.throws(() => top1([], []), { code: 'DATA' });
});

test('pixels of the classifier: a flat colour stays flat, normalised', () => {
  const data = new Uint8Array(100 * 150 * 3).map((_, i) => [255, 0, 51][i % 3]);
  const values = clipPixels([{ data, width: 150, height: 100 }]);
  assert.equal(values.length, 3 * 224 * 224);
  for (const [c, wanted] of [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225].entries())
    assert.ok(values.subarray(c * 224 * 224, (c + 1) * 224 * 224).every((value) => Math.abs(value - wanted) < 1e-5), String(c));
});

test('without training: each sample with others of the ten classes', () => {
  const samples = zeroShotSamples(annotations, 2, draws('zero'));
  assert.equal(samples.length, 200);
  for (const { id, context_examples } of samples) assert.equal(new Set([id, ...context_examples.map((other) => other.id)]).size, 3);
});
