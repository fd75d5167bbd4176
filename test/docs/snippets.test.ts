/** The TypeScript in the documentation type-checks: each block is a module of its own, `stave` and `./src/…` stand for the source. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'snippets-')); // in the project, so that types and packages are found as from its root
after(() => rmSync(folder, { recursive: true, force: true }));

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name))].filter((name) => name.endsWith('.md'));

test('every block of TypeScript in the documentation type-checks', () => {
  let count = 0;
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8');
    for (const { 1: code, index } of text.matchAll(/^```ts\n([^]*?)^```/gm)) {
      const line = text.slice(0, index).split('\n').length + 1;
      const source = code.replaceAll(/(from|import\() ?'stave'/g, `$1 '../../src/index.ts'`).replaceAll(`'./src/`, `'../../src/`);
      writeFileSync(join(folder, `${page.replaceAll(/[/\\]/g, '.')}.${line}.ts`), `${source}\nexport {};\n`);
      count++;
    }
  }
  assert.ok(count >= 5, `${count} blocks found`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { noUnusedLocals: false }, include: ['*.ts'] }));
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout === undefined) throw error;
    const own = stdout.split('\n').filter((line) => /^[^./ ][^(]*\.md\.\d+\.ts\(/.test(line)); // errors of the source are not the documentation's
    assert.deepEqual(own, [], 'page.line in front of each');
  }
});
