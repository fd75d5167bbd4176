import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

function run(script: string, cwd: string, env: NodeJS.ProcessEnv = process.env): { stdout: string; stderr: string; status: number | null; ms: number } {
  const begin = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8', timeout: 60_000, env });
  return { stdout, stderr, status, ms: performance.now() - begin };
}

const program = (ext: string, rest: string): string => `
  import { Runtime } from './src/runtime/index.${ext}';
  import { graph, input } from './src/graph/index.${ext}';
  const runtime = await Runtime.create({ threads: 1 });
  const program = await runtime.compile(graph({ y: input('x', 'float32', ['N']).mul(3) }));
  const run = () => program.run({ x: { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) } });
  ${rest}`;

test('a process that forgets to dispose ends all the same, silently', () => {
  const { stdout, stderr, status } = run(program('ts', 'console.log((await run()).y.data.join());'), root);
  assert.deepEqual([stdout, stderr, status], ['3,6\n', '', 0]);
});

test('a process waits for a run under way', () => {
  const { stdout, status } = run(program('ts', 'run().then(({ y }) => console.log(y.data.join()));'), root);
  assert.deepEqual([stdout, status], ['3,6\n', 0]);
});

test('an exit in the middle of a run is clean', () => {
  const { stderr, status } = run(program('ts', 'void run(); setTimeout(() => process.exit(3), 1);'), root);
  assert.deepEqual([stderr, status], ['', 3]);
});

test('the engine keeps no log and no identifier for its maker', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'stave-telemetry-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ...env } = process.env; // with CI set it would keep quiet by itself
  const { stdout, status } = run(program('ts', 'console.log((await run()).y.data.join());'), root, { ...env, TMPDIR: dir, TEMP: dir, HOME: dir, XDG_CACHE_HOME: dir });
  assert.deepEqual([stdout, status, readdirSync(dir)], ['3,6\n', 0, []]);
});

test('as built JavaScript, the worker is found too', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'stave-built-'));
  t.after(() => rmSync(dir, { recursive: true }));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  for (const part of ['errors.ts', 'graph', 'runtime']) cpSync(join(root, 'src', part), join(dir, 'src', part), { recursive: true });
  for (const file of readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((f) => f.startsWith('src') && f.endsWith('.ts'))) {
    const js = stripTypeScriptTypes(readFileSync(join(dir, file), 'utf8')).replaceAll(/(from |import\(|import )'(\.[^']*)\.ts'/g, "$1'$2.js'");
    writeFileSync(join(dir, file.replace(/ts$/, 'js')), js);
    rmSync(join(dir, file));
  }
  const { stdout, stderr, status } = run(program('js', 'console.log((await run()).y.data.join());'), dir);
  assert.deepEqual([stdout, stderr, status], ['3,6\n', '', 0]);
});
