import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder } from '../../src/files/folder.ts';
import { whyUnread } from '../../src/files/look.ts';
import { writeError, writeWhole } from '../../src/files/write.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-write-'));
after(() => rm(folder, { recursive: true }));

/** As those do who make a folder. */
const made = (path: string): Promise<unknown> => makeFolder(path).catch((cause: unknown) => { throw writeError(path, cause); });

const why = (path: string) => readFile(path).then(() => 'read', whyUnread);

test('why a file could not be read, in words', async () => {
  assert.deepEqual(await Promise.all([join(folder, 'none'), folder].map(why)), ['no such file', 'it is a directory']);
  assert.equal(whyUnread(new Error('EIO: i/o error, read')), 'EIO: i/o error, read');
});

test('a file where a folder is to be, and the other way round, are said so', async () => {
  const file = join(folder, 'file'), inside = join(file, 'inside'), other = join(folder, 'folder');
  await writeFile(file, 'mine');
  await mkdir(join(other, 'full'), { recursive: true });
  await assert.rejects(made(file), { code: 'IO', what: `cannot write ${file}`, why: 'a file of that name is there, it needs to be a folder', fix: /another folder/ });
  for (const write of [made(inside), writeWhole(inside, 'x')]) await assert.rejects(write, { code: 'IO', what: `cannot write ${inside}`, why: 'something on its path is a file, it needs to be a folder', fix: /another path/ });
  if (process.platform !== 'win32') await assert.rejects(writeWhole(other, 'x'), { code: 'IO', what: `cannot write ${other}`, why: 'a folder of that name is there', fix: /another name/ });
  assert.deepEqual((await readdir(folder)).toSorted(), ['file', 'folder']);
});
