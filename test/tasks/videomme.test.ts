import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/clips/index.ts';
import type { Protocol, TaskQuestion } from '../../src/tasks/task.ts';
import { categories, domains, durations, subCategories, taskTypes } from '../../src/tasks/videomme/categories.ts';
import { firstCapital } from '../../src/tasks/videomme/letter.ts';
import { chosenCues, parseSubtitles, sampledFrames } from '../../src/tasks/videomme/subtitles.ts';
import { findVideo, printedLines, scoreVideomme, videomme, type VideommeRow } from '../../src/tasks/videomme/videomme.ts';

const row: VideommeRow = { duration: 'short', domain: 'Multilingual', sub_category: 'Law', task_type: 'OCR Problems', videoID: 'v', question_id: '1', question: 'Which?', options: ['A. Red', 'B. Blue', 'C. Two cats', 'D. None'], answer: 'C' };
const promptOf = ({ messages }: TaskQuestion) => (messages[1].content as { text?: string }[])[1].text!;
const time = (s: number) => `00:${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')},000`;
const srt = (n: number) => Array.from({ length: n }, (_, i) => `${i + 1}\n${time(2 * i)} --> ${time(2 * i + 2)}\n<font color="white" size=".72c">line ${i}</font>\n`).join('\n');

const prompt = (protocol: Protocol): string => promptOf(videomme({ protocol }).ask(row));
/** The line for subtitles. */
const shown = (subtitles?: string): string => promptOf(videomme({ subtitles: true }).ask(row, { fps: 25, frames: 100, subtitles })).split('\n')[1];

test('the first capital A to D, after the prefixes are gone', () => {
  for (const [answer, letter] of Object.entries({ 'Answer: C': 'A', 'Best answer: C': 'B', 'Based on the video, C': 'B', 'Definitely B': 'D', 'Do you mean C?': 'D', c: '', 答案是B: 'B', 'The best answer is C': 'C', 'The answer is: D': 'D', E: '' }))
    assert.equal(firstCapital(answer), letter, answer);
});

test('where the protocols part: letters in words, the text of an option, the sentence about subtitles', () => {
  for (const [answer, paper, strict] of [['C', 1, 1], ['Answer: C', 0, 1], ['two cats', 0, 1], ['Cats', 1, 0], ['c', 0, 1], ['C or D', 1, 0]] as const)
    assert.deepEqual([scoreVideomme(row, answer).score, scoreVideomme(row, answer, 'strict').score], [paper, strict], answer);
  assert.match(prompt('paper'), /based on the video and the subtitles\. /);
  assert.match(prompt('strict'), /based on the video\. /);
});

test('subtitles: in slot order on paper, by time when strict', () => {
  const n = 150, facts = { fps: 25, frames: 50 * n, subtitles: srt(n) }; // each cue is two seconds long
  const frames = sampledFrames(facts.frames, 32);
  const wanted = [...new Set(frames.map((frame) => Math.floor(frame / 50)))]; // cue i holds the frames 50·i … 50·i + 49
  const cues = parseSubtitles(facts.subtitles);
  assert.deepEqual(chosenCues(cues, facts, 32, 'strict'), wanted);
  const paper = chosenCues(cues, facts, 32);
  assert.notDeepEqual(paper, wanted);
  assert.deepEqual(paper.toSorted((a, b) => a - b), wanted);
  assert.deepEqual(paper.toSorted((a, b) => (a % 128) - (b % 128) || 0).map((i) => i % 128), paper.map((i) => i % 128), 'by index modulo 128');
  const lines = promptOf(videomme({ subtitles: true, protocol: 'strict' }).ask(row, facts)).split('\n');
  assert.deepEqual(lines.slice(1, 1 + wanted.length), wanted.map((i) => `line ${i}`));
});

test('without a subtitle file the prompt says so; with one of which nothing is chosen, it says nothing', () => {
  assert.deepEqual([shown(), shown(''), shown(srt(1))], ['No subtitles available', '', 'line 0']);
});

test('a damaged subtitle file is refused by section', () => {
  for (const line of ['00:01,000 --> 00:02,000', '00:00:01.000 --> 00:00:02.000', '00:00:01,000-->00:00:02,000', '00:00:01,000 --> 00:00:02,000 X1:0', '00:00:0x,000 --> 00:00:02,000', 'x'])
    assert.throws(() => parseSubtitles(`${srt(1)}\n2\n${line}\ntext`, 'v.srt'), { code: 'DATA', message: /^v\.srt, section 2: / });
  assert.deepEqual(parseSubtitles('\n\n1\n00:00:00,5 -->  00:00:01,25\nx'), [{ start: 0.005, end: 1.025, text: 'x' }]);
  assert.deepEqual(parseSubtitles('1\n00:00:01,000 --> 00:00:02,000'), [], 'two lines are no cue');
});

test('every question is counted once per kind of category; Multilingual is one set on paper and two when strict', () => {
  const r = random('videomme');
  const rows = Array.from({ length: 400 }, (_, i): VideommeRow => ({ ...row, question_id: String(i), duration: r.pick(durations), domain: r.pick(domains), sub_category: r.pick(subCategories), task_type: r.pick(taskTypes), answer: r.pick(['A', 'B']) }));
  const result = (protocol: Protocol) => videomme({ protocol }).result(rows.map((one) => scoreVideomme(one, 'A', protocol)));
  const strict = result('strict'), paper = result('paper');
  assert.equal(strict.percent, (100 * rows.filter(({ answer }) => answer === 'A').length) / 400);
  for (const kind of Object.keys(categories)) assert.equal(Object.values(strict.categories[kind]).reduce((sum, { counted }) => sum + counted, 0), 400, kind);
  const either = rows.filter(({ domain, sub_category }) => domain === 'Multilingual' || sub_category === 'Multilingual').length;
  assert.equal(paper.categories.domain.Multilingual.counted, either);
  assert.equal(paper.categories.sub_category.Multilingual.counted, either);
  assert.equal(strict.categories.domain.Multilingual.counted, rows.filter(({ domain }) => domain === 'Multilingual').length);
  assert.equal(printedLines(paper).length, 3 + 6 + 30 + 12 + 1);
});

test('the video is looked for as mp4, MP4 and mkv', () => {
  assert.equal(findVideo({ videoID: 'mp4x' }, (path) => path.endsWith('.MP4')), 'videomme/data/MP4x.MP4', 'every mp4 of the path is replaced');
  assert.throws(() => findVideo(row, () => false), { code: 'VIDEO_MISSING' });
});
