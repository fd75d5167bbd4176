/** Files that only grow: torn lines, full disks. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { JsonLines, readLines } from '../../src/files/json-lines.ts';
import { fullDisk } from './full-disk.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-json-lines-'));
after(() => rm(folder, { recursive: true }));

test('a last line without an end is cut off, however long; what is added stands behind whole lines', async () => {
  for (const [i, [before, kept]] of [['', ''], ['{"a":1}\n', '{"a":1}\n'], ['{"a":1}\n{"a":2', '{"a":1}\n'], ['{"a":', ''], [`{"a":1}\n${'x'.repeat(3 << 20)}`, '{"a":1}\n'], ['x'.repeat(3 << 20), '']].entries()) {
    const file = join(folder, `torn-${i}`);
    await writeFile(file, before);
    {
      await using lines = await JsonLines.open(file);
      assert.equal(await readFile(file, 'utf8'), kept);
      await Promise.all([3, 4, 5].map((a) => lines.append({ a, text: 'ä' })));
    }
    assert.deepEqual(await readLines(file), (await readFile(file, 'utf8')).trimEnd().split('\n'));
    assert.equal(await readFile(file, 'utf8'), `${kept}${[3, 4, 5].map((a) => `{"a":${a},"text":"ä"}\n`).join('')}`);
  }
});

test('after a line that could not be written nothing is added, and what stood of it is gone', async (t) => {
  const file = join(folder, 'full');
  await using lines = await JsonLines.open(file);
  await lines.append({ a: 1 });
  await fullDisk(t);
  const later = await Promise.allSettled([2, 3].map((a) => lines.append({ a })));
  await assert.rejects(lines.append({ a: 4 }), { code: 'IO', message: /^no space left on the disk while writing .*full\n/ });
  assert.ok(later[0].status === 'rejected' && later[1].status === 'rejected' && later[0].reason === later[1].reason);
  assert.equal(await readFile(file, 'utf8'), '{"a":1}\n');
});

test('lines go to disk one by one, or all at once when asked', async (t) => {
  const any = await open(import.meta.filename, 'r');
  const datasync = t.mock.method(Object.getPrototypeOf(any) as FileHandle, 'datasync');
  await any.close();
  const added = async (sync: boolean | undefined): Promise<number> => {
    await using lines = await JsonLines.open(join(folder, `sync-${sync}`), { sync });
    const before = datasync.mock.callCount();
    await Promise.all([1, 2, 3].map((a) => lines.append({ a })));
    const after = datasync.mock.callCount() - before;
    await lines.sync();
    assert.equal(datasync.mock.callCount() - before, after + 1);
    assert.equal((await readLines(lines.file)).length, 3);
    return after;
  };
  assert.deepEqual([await added(undefined), await added(true), await added(false)], [3, 3, 0]);
});

test('whole lines are read, none where there is no file', async () => {
  const file = join(folder, 'read');
  assert.deepEqual(await readLines(file), []);
  await writeFile(file, 'a\n\nb\nc');
  assert.deepEqual(await readLines(file), ['a', '', 'b']);
  await assert.rejects(readLines(folder), { code: 'IO', message: /^cannot read .*\nEISDIR/ });
});

test('what cannot be opened or written is said', async () => {
  await assert.rejects(JsonLines.open(folder), { code: 'IO', message: /^cannot write .*\na folder of that name is there\n/ });
  await assert.rejects(JsonLines.open(join(folder, 'none', 'x')), { code: 'IO', message: /ENOENT/ });
  if (!existsSync('/dev/full')) return;
  await using full = await JsonLines.open('/dev/full');
  await assert.rejects(full.append({}), { code: 'IO', message: /no space left on the disk while writing \/dev\/full/ });
});
