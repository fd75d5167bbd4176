import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findRows, rowAt, rowTable, type FoundRow } from '../../src/data/rows.ts';
import { StaveError } from '../../src/errors.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-rows-'));
after(() => rm(folder, { recursive: true }));

async function rowsOf(name: string, text: string): Promise<FoundRow[]> {
  const file = join(folder, name);
  await writeFile(file, text);
  const rows: FoundRow[] = [];
  for await (const row of findRows(file)) rows.push(row);
  const table = rowTable(file, rows);
  for (const [i, { text: found, line }] of rows.entries()) assert.deepEqual(await rowAt(table, i).then((row) => [row.text, row.line]), [found, line], 'read again by its place');
  return rows;
}

const told = (text: RegExp) => (error: unknown) => error instanceof StaveError && error.code === 'DATA' && text.test(error.message);

test('JSON lines: blank ones count as lines and are no rows; a mark at the start and Windows line ends do no harm', async () => {
  const rows = await rowsOf('a.jsonl', '\uFEFF{"a": "é"}\r\n\n  \n{"b": 2}\n[3]');
  assert.deepEqual(rows.map(({ line, text }) => [line, JSON.parse(text)]), [[1, { a: 'é' }], [4, { b: 2 }], [5, [3]]]);
});

test('a list: the entries that JSON.parse finds, each with the line it begins in, whatever stands in its texts', async () => {
  const values = [{ text: 'a "quoted ]} , [{ \\ text', deep: [[1, { x: ['\n'] }], 'ü'] }, [{ role: 'user' }], 'plain', 7, null, true, { empty: {} }];
  for (const text of [JSON.stringify(values), JSON.stringify(values, null, 2), `\n\n ${JSON.stringify(values, null, '\t')}\n`]) {
    const rows = await rowsOf('b.json', text);
    assert.deepEqual(rows.map((row) => JSON.parse(row.text)), values);
    for (const { line, text: row } of rows) assert.ok(text.split('\n').slice(line - 1).join('\n').includes(row.trimEnd()) && text.split('\n')[line - 1].includes(row.split('\n')[0]), `line ${line}`);
  }
  assert.deepEqual(await rowsOf('c.json', ' [ ] '), []);
});

test('rows that a read ends in the middle of: texts of more than a megabyte', async () => {
  const long = Array.from({ length: 5 }, (_, i) => ({ i, text: `${'[{"\\'.repeat(90_000)}${i}` }));
  for (const [name, text] of [['d.json', JSON.stringify(long, null, 1)], ['d.jsonl', long.map((row) => JSON.stringify(row)).join('\n')]]) assert.deepEqual((await rowsOf(name, text)).map((row) => JSON.parse(row.text)), long);
});

test('what is no list, or none that ends, is told with its line; so is a name that says nothing', async () => {
  await assert.rejects(rowsOf('e.json', '{"a": 1}'), told(/e\.json:1 is not a list/));
  await assert.rejects(rowsOf('e.json', '[1,\n2]\n[3]'), told(/e\.json:3 is not a list/));
  await assert.rejects(rowsOf('e.json', '[{"a": [1,\n2}'), told(/ends inside its list, at line 2/));
  await assert.rejects(rowsOf('e.csv', 'a,b'), told(/no data file by its name/));
  await assert.rejects(findRows(join(folder, 'none.jsonl')).next(), (error) => error instanceof StaveError && error.code === 'IO');
});
