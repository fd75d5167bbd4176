import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder } from '../../src/files/folder.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-folder-'));
after(() => rm(folder, { recursive: true }));

const isFolder = async (path: string): Promise<boolean> => (await stat(path)).isDirectory();

test('makes all that is missing, and is content with what is there', async () => {
  const deep = join(folder, 'a', 'b', 'c');
  await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(deep, '..', 'd')), makeFolder(`${deep}/`)]);
  assert.ok((await isFolder(deep)) && (await isFolder(join(folder, 'a', 'b', 'd'))));
  await makeFolder(deep);
  await makeFolder(relative('', join(folder, 'e', 'f')));
  assert.ok(await isFolder(join(folder, 'e', 'f')));
  await symlink(deep, join(folder, 'link'));
  await makeFolder(join(folder, 'link', 'g'));
  await makeFolder('/');
});

test('a file in the way is an error', async () => {
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(makeFolder(join(folder, 'file')), { code: 'EEXIST' });
  await assert.rejects(makeFolder(join(folder, 'file', 'g')), { code: 'ENOTDIR' });
  await symlink(join(folder, 'nowhere'), join(folder, 'dangling'));
  await assert.rejects(makeFolder(join(folder, 'dangling')), { code: 'EEXIST' });
});

test('a folder that takes none is an error, too', { skip: process.platform !== 'linux' }, async () => {
  await assert.rejects(makeFolder('/proc/stave/clips'), { code: 'ENOENT' });
});
