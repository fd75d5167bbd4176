/** Tar archives: those of the system's tar, in pieces too; hostile ones, made block by block, refused. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { archived, unpack } from '../../src/eval/unpack.ts';
import { zip } from './miniature.ts';

let folder: string;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'stave-tar-')); });
after(() => rm(folder, { recursive: true, force: true }));

const set = { folder: 'set', pieces: /^((?:.*\/)?videos-v2)-\d\d$/ };
const long = `${'a'.repeat(90)}/${'b'.repeat(120)}.mp4`; // needs more than a header holds
const content: Record<string, string> = { 'data/x.mp4': 'video'.repeat(50_000), 'data/empty.srt': '', 'data/y ä.mp4': 'other', [long]: 'far down' };

/** Files packed by the system's tar. */
async function packed(name: string, flags: string): Promise<string> {
  const from = join(folder, `${name}-files`), file = join(folder, `${name}.packed`);
  for (const [path, text] of Object.entries(content)) {
    await mkdir(dirname(join(from, path)), { recursive: true });
    await writeFile(join(from, path), text);
  }
  await promisify(execFile)('tar', [flags, file, '-C', from, '.']);
  return file;
}

async function checkUnpacked(root: string): Promise<void> {
  for (const [path, text] of Object.entries(content)) assert.equal(await readFile(join(root, 'set', path), 'utf8'), text, path);
  assert.ok(!(await readdir(join(root, 'set'), { recursive: true })).some((name) => name.endsWith('.partial')));
  await unpack(root, set, { onUnpack: () => assert.fail('unpacked again') });
}

const half = (bytes: Buffer) => [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];

let roots = 0;
async function rootWith(files: Record<string, Buffer>): Promise<string> {
  const root = join(folder, String(roots++));
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, 'set', name)), { recursive: true });
    await writeFile(join(root, 'set', name), bytes);
  }
  return root;
}

test('plain, compressed, in a folder, in pieces, in a zip: unpacked as they were packed, once', async () => {
  const plain = await readFile(await packed('plain', '-cf')), small = await readFile(await packed('small', '-czf'));
  const [a, b] = half(small), [c, d] = half(plain);
  const all: Record<string, Buffer>[] = [{ 'v.tar': plain }, { 'v.tar.gz': small }, { 'deeper/v.tgz': small }, { 'v.tar.gz.part-aa': a, 'v.tar.gz.part-ab': b }, { 'v.tar.00': c, 'v.tar.01': d }, { 'videos-v2-00': a, 'videos-v2-01': b }];
  const roots = await Promise.all(all.map(rootWith));
  const wrapped = await rootWith({});
  await zip(join(wrapped, 'set', 'one.zip'), { 'videos-v2-00': a });
  await zip(join(wrapped, 'set', 'two.zip'), { 'videos-v2-01': b });
  assert.deepEqual([...(await archived(roots[3], set))].toSorted(), Object.keys(content).toSorted());
  for (const root of [...roots, wrapped]) {
    await unpack(root, set);
    await checkUnpacked(root);
  }
  await writeFile(join(roots[1], 'set', 'data', 'x.mp4'), 'cut'); // and what is there with its size is kept
  await rm(join(roots[1], 'set', '.unpacked.json'));
  const done: (number | null)[] = [];
  await unpack(roots[1], set, { onUnpack: ({ total }) => done.push(total) });
  assert.deepEqual(done, [null, 1]);
  await checkUnpacked(roots[1]);
});

type Entry = { name: string; type?: string; link?: string; content?: string; size?: number };

/** An archive in ustar's blocks. size: stated, where it isn't the content's. */
function tarOf(entries: readonly Entry[], { end = true } = {}): Buffer {
  const blocks = entries.map(({ name, type = '0', link = '', content = '', size = content.length }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write(`        ${type}${link}`, 148);
    header.write('ustar\x0000', 257);
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, ...(end ? [Buffer.alloc(1024)] : [])]);
}

test('names that lead out, links, bombs, doubled and damaged entries: refused before anything is written', async () => {
  const good: Entry = { name: 'good.srt', content: 'x' };
  const cases: [Record<string, Buffer>, RegExp][] = [
    [{ 'a.tar': tarOf([good, { name: '../x.mp4', content: 'x' }]) }, /invalid relative path/],
    [{ 'a.tar': tarOf([good, { name: 'a/../../x.mp4', content: 'x' }]) }, /invalid relative path/],
    [{ 'a.tar': tarOf([good, { name: '/a/x.mp4', content: 'x' }]) }, /absolute path/],
    [{ 'a.tar': tarOf([good, { name: 'link', type: '2', link: '/etc' }]) }, /link is a link.*SymbolicLink/],
    [{ 'a.tar': tarOf([good, { name: 'link', type: '1', link: 'good.srt' }]) }, /link is a link.*\(Link\)/],
    [{ 'a.tar': tarOf([good, { name: 'pipe', type: '6' }]) }, /pipe is a link.*FIFO/],
    [{ 'a.tar': tarOf([good, { name: 'sparse', type: 'S', content: 'x' }]) }, /sparse is a link/],
    [{ 'a.tar': tarOf([good, { name: './good.srt', content: 'y' }]) }, /good\.srt is in it twice/],
    [{ 'a.tar.gz': gzipSync(tarOf([good, { name: 'zero.srt', content: '\0'.repeat(20_000_000) }])) }, /more than 100 times|max decompression ratio/],
    [{ 'a.tar': tarOf([good, { name: 'far.srt', content: 'x', size: 5_000_000_000 }]) }, /more than 100 times/],
    [{ 'a.tar': tarOf([good, { name: 'far.srt', content: 'x', size: 100_000 }]) }, /cannot be unpacked[^]*(?:Truncated|checksum)/],
    [{ 'a.tar': tarOf([good], { end: false }) }, /its end is missing/],
    [{ 'a.tar.gz': gzipSync(tarOf([good])).subarray(0, -9) }, /cannot be unpacked/],
    [{ 'a.tar': Buffer.from('no archive'.repeat(100)) }, /cannot be unpacked/],
    [{ 'a.tar': Buffer.alloc(0) }, /cannot be unpacked/],
    [{ 'a.tar.xz': Buffer.from('xz') }, /compressed with xz[^]*unpack it yourself/],
    [{ 'a.tar.00': tarOf([good, { name: 'b.srt', content: 'x'.repeat(600) }]).subarray(0, 1200) }, /cannot be unpacked/],
  ];
  for (const [files, message] of cases) {
    const root = await rootWith(files);
    await assert.rejects(unpack(root, set), { code: 'DATA', message });
    await assert.rejects(archived(root, set), { code: 'DATA', message });
    assert.deepEqual((await readdir(join(root, 'set'))).toSorted(), Object.keys(files), String(message));
    assert.ok(!existsSync(join(root, 'x.mp4')));
  }
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(unpack(await rootWith({ 'a.tar': tarOf([good]) }), set, { signal: stop.signal }), { name: 'AbortError' });
});

test('a piece that is gone once the archive has been looked through: an error, and nothing half done', { timeout: 60_000 }, async () => {
  const [first, second] = half(tarOf([{ name: 'a.mp4', content: 'x'.repeat(500_000) }]));
  const root = await rootWith({ 'a.tar.00': first, 'a.tar.01': second });
  await assert.rejects(unpack(root, set, { onUnpack: ({ total }) => { if (total !== null) rmSync(join(root, 'set', 'a.tar.01')); } }), { code: 'IO', message: /cannot read .*a\.tar\.01\nENOENT/ });
  assert.deepEqual(await readdir(join(root, 'set')), ['a.tar.00']);
});
