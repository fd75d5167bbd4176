import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { renderFrames } from '../../src/clips/index.ts';
import { takeLock } from '../../src/files/lock.ts';
import { clipClasses, parseClipClass, recordsOf, renderSet, setClip, type Motion10Record } from '../../src/tasks/index.ts';
import { decode } from '../../src/video/index.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'stave-clips-')); });
after(() => rm(folder, { recursive: true, force: true }));

const lines = async (file: string): Promise<Motion10Record[]> => (await readFile(file, 'utf8')).trimEnd().split('\n').map((l) => JSON.parse(l) as Motion10Record);

test('a full set is balanced and shuffled by its seed', () => {
  const counts = new Map<string, number>();
  const order = Array.from({ length: 320 }, (_, i) => setClip({ seed: 5 }, i).class);
  for (const name of order) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const name of clipClasses) assert.ok(name === 'order' ? counts.get(name) === 60 : name === 'blink' || name === 'bounce' ? counts.get(name)! > 20 : counts.get(name) === 20, name);
  assert.notDeepEqual(order, Array.from({ length: 320 }, (_, i) => setClip({ seed: 6 }, i).class));
});

test('classes are named by id or as in Something-Something V2', () => {
  assert.deepEqual(parseClipClass('clockwise'), ['clockwise']);
  assert.deepEqual(parseClipClass('moving [Something] from left to right'), ['left-to-right']);
  assert.equal(parseClipClass('action').length, 10);
  assert.throws(() => parseClipClass('jumping'), { code: 'USAGE' });
});

test('a set of unknown or no classes is refused before anything is written', async () => {
  const out = join(folder, 'unknown');
  for (const classes of [['jumping'], []]) await assert.rejects(renderSet(out, { seed: 1, count: 1, classes: classes as ['order'] }), { code: 'USAGE', message: /classes is/ });
  await assert.rejects(stat(out), { code: 'ENOENT' });
});

test('files show the scene: decoded frames are the rendered ones, but for the encoder', async () => {
  const out = join(folder, 'files');
  const set = { seed: 11 };
  await renderSet(out, { ...set, count: 8 });
  const codecs = new Set<string>();
  for (let i = 0; i < 8; i++) {
    const { video, scene, codec } = setClip(set, i);
    codecs.add(codec);
    let n = 0;
    for await (const frame of decode(join(out, video), { isolate: false })) {
      assert.equal(frame.index, n++);
      assert.deepEqual([frame.width, frame.height], [scene.width, scene.height]);
      assert.ok(Math.abs(frame.time - frame.index / scene.fps) < 0.001);
      if (frame.index % 16 !== 3) continue;
      const drawn = renderFrames({ ...scene, camera: { ...scene.camera, noise: 0 } }, [frame.index], scene.width, scene.height);
      const block = 8; // means over blocks: noise averages out, a shift or a wrong colour does not
      for (let y = 0; y + block <= scene.height; y += block)
        for (let x = scene.width - 2 * block; x >= 0 && x > scene.width - 40; x -= block) {
          let difference = 0;
          for (let j = 0; j < block * block; j++)
            for (let c = 0; c < 3; c++) {
              const at = ((y + Math.floor(j / block)) * scene.width + x + block + (j % block)) * 3 + c;
              difference += (frame.data[at] - drawn[at]) / (3 * block * block);
            }
          assert.ok(Math.abs(difference) < 24, `${video} frame ${frame.index} at ${x + block},${y}: ${difference}`);
        }
    }
    assert.equal(n, scene.frames);
  }
  assert.deepEqual([...codecs].toSorted(), ['h264', 'vp9']);
});

test('the labels of a set are the questions of its scenes', async () => {
  const out = join(folder, 'files');
  const records = await lines(join(out, 'labels.jsonl'));
  assert.deepEqual(records, Array.from({ length: 8 }, (_, i) => recordsOf(setClip({ seed: 11 }, i))).flat());
  assert.equal(new Set(records.map((r) => r.id)).size, records.length);
});

test('stopped half-way it leaves whole files only, and goes on to the same result', async () => {
  const out = join(folder, 'stopped');
  const options = { seed: 3, count: 4, classes: ['rising' as const] };
  const stop = new AbortController();
  await assert.rejects(renderSet(out, { ...options, signal: stop.signal, onClip: ({ done }) => done === 2 && stop.abort() }), { name: 'AbortError' });
  const left = await readdir(out);
  assert.equal(left.filter((f) => f.startsWith('clip-')).length, 2);
  assert.ok(left.every((f) => !f.includes('partial')), left.join());
  assert.equal(new Set((await lines(join(out, 'labels.jsonl'))).map((r) => r.video)).size, 2);
  const kept = await stat(join(out, setClip(options, 0).video));

  const killed = [`.${setClip(options, 2).video}.0123abcd.partial`, 'labels.jsonl.0123abcd.partial'];
  for (const name of [...killed, 'mine.partial']) await writeFile(join(out, name), ''); // as a kill leaves them, and a stranger's
  assert.deepEqual(await renderSet(out, options), { rendered: 2, kept: 2, labels: join(out, 'labels.jsonl') });
  assert.equal((await stat(join(out, setClip(options, 0).video))).mtimeMs, kept.mtimeMs);
  const whole = join(folder, 'whole');
  await renderSet(whole, options);
  assert.deepEqual((await readdir(out)).toSorted(), [...(await readdir(whole)), 'mine.partial'].toSorted());
  for (const file of ['labels.jsonl', 'set.json']) assert.equal(await readFile(join(out, file), 'utf8'), await readFile(join(whole, file), 'utf8'));

  const again = new AbortController(); // at the first clip of a set that is complete: its labels stay
  await assert.rejects(renderSet(out, { ...options, signal: again.signal, onClip: () => again.abort() }), { name: 'AbortError' });
  assert.equal(await readFile(join(out, 'labels.jsonl'), 'utf8'), await readFile(join(whole, 'labels.jsonl'), 'utf8'));
});

test('a folder of another set, or of strangers, is refused', async () => {
  const out = join(folder, 'stopped');
  await assert.rejects(renderSet(out, { seed: 4, count: 4, classes: ['rising'] }), { code: 'DATA' });
  const strange = await mkdtemp(join(folder, 'strange-'));
  await writeFile(join(strange, 'labels.jsonl'), '');
  await assert.rejects(renderSet(strange, { seed: 4, count: 1 }), { code: 'DATA' });
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(renderSet(join(folder, 'file'), { seed: 4, count: 1 }), { code: 'IO', what: `cannot write ${join(folder, 'file')}`, why: /a file of that name/ });
  const busy = await mkdtemp(join(folder, 'busy-'));
  await using _ = await takeLock(join(busy, 'render.lock'), assert.fail);
  await assert.rejects(renderSet(busy, { seed: 4, count: 1 }), { code: 'IO', what: new RegExp(`is being filled by process ${process.pid} on`) });
  await assert.rejects(renderSet(out, { seed: 3, count: 0 }), { code: 'USAGE' });
});
