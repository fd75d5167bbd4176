import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { probe } from '../../src/video/index.ts';
import { stave } from './run.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-render-'));
after(() => rm(folder, { recursive: true }));

test('clips of the classes asked for, with their labels; called again it has nothing to do', async () => {
  const out = join(folder, 'turns');
  const render = (...more: string[]) => stave(['render', out, '--count', '2', '--seed', '5', '--class', 'clockwise,Turning [something] anticlockwise', '--codec', 'h264', ...more]);
  const first = await render('--json');
  assert.equal(first.code, 0);
  const lines = first.out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(lines.slice(0, 2).map((line) => line.class).toSorted(), ['anticlockwise', 'clockwise']);
  assert.deepEqual(lines[2], { rendered: 2, kept: 0, labels: join(out, 'labels.jsonl') });
  for (const { video } of lines.slice(0, 2)) assert.equal((await probe(join(out, String(video)))).codec, 'h264');
  const labels = (await readFile(join(out, 'labels.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { kind: string; answer: string });
  assert.deepEqual(labels.filter(({ kind }) => kind === 'action').map(({ answer }) => answer.match(/anticlockwise|clockwise/)![0]).toSorted(), ['anticlockwise', 'clockwise']);
  assert.match((await render()).out, /^0 clips rendered, 2 were there already; questions and answers: /);
});

test('another seed in the same folder is refused', async () => {
  const { code, err } = await stave(['render', join(folder, 'turns'), '--seed', '6']);
  assert.equal(code, 1);
  assert.match(err, /holds clips made with other settings/);
});

test('Ctrl-C leaves whole clips and their labels, nothing half written', async () => {
  const out = join(folder, 'stopped');
  const stop = new AbortController();
  const { code, err } = await stave(['render', out, '--count', '50', '--json'], { signal: stop.signal, onOut: (text) => text.split('\n').length > 2 && stop.abort() });
  assert.deepEqual([code, err], [130, `stopped after 2 of 50 clips, their questions are in ${join(out, 'labels.jsonl')}; the same command goes on there\ninterrupted\n`]);
  const names = (await readdir(out)).toSorted();
  assert.deepEqual(names.map((name) => name.replace(/\.(mp4|webm)$/, '')), ['clip-00000', 'clip-00001', 'labels.jsonl', 'set.json']);
  for (const name of names.slice(0, 2)) assert.ok((await probe(join(out, name))).duration > 0);
  assert.deepEqual([...new Set((await readFile(join(out, 'labels.jsonl'), 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { video: string }).video))], names.slice(0, 2));
});
