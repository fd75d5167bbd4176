/** Archives: unpacked once, whole files or none, hostile ones refused. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { archivesAmong } from '../../src/eval/archives/find.ts';
import { archived, unpack } from '../../src/eval/unpack.ts';
import { zip } from './miniature.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'stave-unpack-')); });
after(() => rm(folder, { recursive: true, force: true }));

const set = { folder: 'set' };
let roots = 0;
async function archive(files: Record<string, string>, { mode, change = (bytes) => bytes }: { mode?: number; change?: (bytes: Buffer) => Buffer } = {}): Promise<string> {
  const root = join(folder, String(roots++));
  const path = join(root, 'set', 'a.zip');
  await zip(path, files, { mode });
  await writeFile(path, change(await readFile(path)));
  return root;
}

/** One name for another of its length, in both of the archive's directories. */
const renamed = (from: string, to: string) => (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

test('unpacked once; again only when the archive has changed; what is there with its size is kept', async () => {
  const root = await archive({ 'data/x.mp4': 'video', 'data/y.mp4': 'other' });
  const file = join(root, 'set', 'data', 'x.mp4');
  const progress: (number | null)[] = [];
  await unpack(root, set, { onUnpack: ({ total }) => progress.push(total) });
  assert.equal(await readFile(file, 'utf8'), 'video');
  const { mtimeMs } = await stat(file);
  await rm(join(root, 'set', 'data', 'y.mp4'));
  await unpack(root, set, { onUnpack: () => assert.fail('unpacked again') });
  await zip(join(root, 'set', 'a.zip'), { 'data/x.mp4': 'video', 'data/z.mp4': 'a third' });
  await unpack(root, set, { onUnpack: ({ total }) => progress.push(total) });
  assert.deepEqual(progress, [null, 2, 2, null, 1]);
  assert.equal((await stat(file)).mtimeMs, mtimeMs);
  assert.equal(await readFile(join(root, 'set', 'data', 'z.mp4'), 'utf8'), 'a third');
  await rm(join(root, 'set', '.unpacked.json'));
  await unpack(root, set, { onUnpack: ({ total }) => assert.equal(total, null, 'all is there') });
  assert.ok(!existsSync(join(root, 'set', '.unpacked.json')), 'nothing is written where nothing is to do');
});

test('names that lead out, links, bombs, encrypted and doubled entries: refused before anything is written', async () => {
  const cases: [string, RegExp][] = [
    [await archive({ 'aa/x.mp4': 'x' }, { change: renamed('aa/x.mp4', '../x.mp4') }), /invalid relative path/],
    [await archive({ 'aa/x.mp4': 'x' }, { change: renamed('aa/x.mp4', '/a/x.mp4') }), /absolute path/],
    [await archive({ 'aa/x.mp4': 'x' }, { change: renamed('aa/x.mp4', 'aa\\x.mp4') }), /invalid characters/],
    [await archive({ 'aa/x.mp4': '/etc' }, { mode: 0o120777 }), /is a link or a device/],
    [await archive({ 'good.srt': 'x', 'zero.srt': '\0'.repeat(20_000_000) }), /more than 100 times/],
    [await archive({ 'a.srt': 'x', 'b.srt': 'y' }, { change: renamed('b.srt', 'a.srt') }), /is in it twice/],
    [await archive({ 'a.srt': 'x' }, { change: (bytes) => bytes.subarray(0, bytes.length - 10) }), /cannot be unpacked/],
  ];
  for (const [root, message] of cases) {
    await assert.rejects(unpack(root, set), { code: 'DATA', message });
    for (const path of [join(root, 'x.mp4'), join(root, 'set', 'good.srt'), join(root, 'set', 'a.srt'), join(root, 'set', '.unpacked.json')]) assert.ok(!existsSync(path), path);
  }
});

test('in pieces, whatever they are called; in a folder of its own; in another archive', async () => {
  const root = join(folder, 'pieces'), at = (...names: string[]) => join(root, 'set', ...names);
  await zip(at('a.zip'), { 'data/x.mp4': 'video'.repeat(100), 'data/y.mp4': 'other' });
  const bytes = await readFile(at('a.zip'));
  await rm(at('a.zip'));
  const size = Math.ceil(bytes.length / 12);
  for (let i = 0; i < 12; i++) await writeFile(at(`a.zip.part${i + 1}`), bytes.subarray(i * size, (i + 1) * size)); // part10 comes behind part9
  await zip(at('video', 'b.zip'), { 'data/z.mp4': 'a third' });
  await zip(at('inner.zip'), { 'data/w.mp4': 'a fourth' });
  const inner = await readFile(at('inner.zip'));
  await rm(at('inner.zip'));
  await zip(at('outer.zip'), { 'some/inner.zip.001': inner.subarray(0, 50), 'some/inner.zip.002': inner.subarray(50) });
  await mkdir(at('folder.zip'));
  assert.deepEqual([...(await archived(root, set))].toSorted(), ['data/x.mp4', 'data/y.mp4', 'data/z.mp4', 'some/inner.zip.001', 'some/inner.zip.002']);
  await unpack(root, set);
  const read = (name: string) => readFile(at('data', name), 'utf8');
  assert.deepEqual(await Promise.all(['x.mp4', 'y.mp4', 'z.mp4', 'w.mp4'].map(read)), ['video'.repeat(100), 'other', 'a third', 'a fourth']);
  await unpack(root, set, { onUnpack: () => assert.fail('unpacked again') });
  await rm(at('a.zip.part5'));
  await assert.rejects(unpack(root, set), { code: 'DATA', message: /a\.zip cannot be unpacked[^]*in 11 pieces put together, .*part1 to .*part12/ });
});

test('content that is not what the archive states leaves no file', async () => {
  const root = await archive({ 'x.srt': 'subtitles'.repeat(3) }, { change: (bytes) => { bytes[bytes.indexOf('x.srt') + 7] ^= 1; return bytes; } });
  await assert.rejects(unpack(root, set), { code: 'DATA', message: /a\.zip cannot be unpacked/ });
  assert.ok(!existsSync(join(root, 'set', 'x.srt')) && !existsSync(join(root, 'set', 'x.srt.partial')));
});

test('an archive that can\'t be read any more is told as that, not as a file that can\'t be written', async () => {
  const root = await archive({ 'x.mp4': 'video'.repeat(1000) }), at = (name: string) => join(root, 'set', name);
  const bytes = await readFile(at('a.zip'));
  await rm(at('a.zip'));
  for (const [i, piece] of [bytes.subarray(0, 40), bytes.subarray(40)].entries()) await writeFile(at(`a.zip.00${i + 1}`), piece); // the content begins in the second
  await assert.rejects(unpack(root, set, { onUnpack: ({ total }) => { if (total !== null) rmSync(at('a.zip.002')); } }), { code: 'IO', message: /^cannot read .*a\.zip\.002\nENOENT/ });
  assert.deepEqual(await readdir(join(root, 'set')), ['a.zip.001']);
});

const found = (...names: string[]) => Object.fromEntries([...archivesAmong(names)].toSorted());

test('what counts as an archive or a piece of one, by its name', () => {
  assert.deepEqual(found('a.zip', 'b/c.tar.gz', 'd.tgz', 'e.tar.zst', 'f.zipped', 'g.gz', 'tar'), { 'a.zip': ['a.zip'], 'b/c.tar.gz': ['b/c.tar.gz'], 'd.tgz': ['d.tgz'], 'e.tar.zst': ['e.tar.zst'] });
  assert.deepEqual(found('a.zip.002', 'a.zip.001', 'b.tar.part-aa', 'b.tar.part-ab', 'c.zip.ab', 'c.zip.aa', 'd.tar.part1'), { 'a.zip': ['a.zip.002', 'a.zip.001'], 'b.tar': ['b.tar.part-aa', 'b.tar.part-ab'], 'c.zip': ['c.zip.ab', 'c.zip.aa'], 'd.tar': ['d.tar.part1'] });
  assert.deepEqual(found('a.zip.md', 'a.zip.py', 'a.tar.gz.ok', 'b.zip.partial', 'c.zip.ab', 'd.zip.part', 'e.zip.crdownload'), {}); // notes, code, downloads under way
  assert.deepEqual(found('a.zip', 'a.zip.md', 'b.zip.001', 'b.zip.md'), { 'a.zip': ['a.zip'], 'b.zip': ['b.zip.001'] });
  assert.deepEqual(found('._a.zip', 'b/._c.tar.gz', '__MACOSX/d.zip', 'e/__MACOSX/._f.zip.001', 'my._g.zip'), { 'my._g.zip': ['my._g.zip'] });
});
