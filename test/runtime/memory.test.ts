/** Resident memory of a child process, for what other tests leave behind does not count. Bounds are generous: half of what a leak would be. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs the script, which logs numbers of MB. */
function measure(script: string): number[] {
  const head = `
    import { readFileSync } from 'node:fs';
    import { setTimeout } from 'node:timers/promises';
    import { Runtime } from './src/runtime/index.ts';
    import { graph, initializer, input, matmul } from './src/graph/index.ts';
    const rss = async () => { await setTimeout(50); globalThis.gc(); await setTimeout(50); return process.memoryUsage.rss() / 2 ** 20; };
    const log = async () => console.log(Math.round(await rss()));
  `;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', head + script], { cwd: root, encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, stderr);
  return stdout.trim().split('\n').map(Number);
}

test('releasing a program and disposing a runtime give the weights\' memory back', () => {
  const [before, held, released, again, disposed] = measure(`
    const n = 6000; // 144 MB, packed by the engine once more
    const data = new Float32Array(new SharedArrayBuffer(n * n * 4)).fill(1e-3);
    const g = graph({ y: matmul(input('x', 'float32', ['N', n]), initializer('w', 'float32', [n, n], { data })) });
    const runtime = await Runtime.create({ threads: 1 });
    await log();
    const run = async () => { const p = await runtime.compile(g); await p.run({ x: { dtype: 'float32', dims: [1, n], data: new Float32Array(n) } }); return p; };
    const program = await run();
    await log();
    await program.release();
    await log();
    await run();
    await log();
    await runtime.dispose();
    await log();
  `);
  const size = 137; // MB
  assert.ok(held - before > size / 2, `${before} → ${held} MB: the weights must have cost something, else this measures nothing`);
  assert.ok(released - before < size / 2, `released: ${before} → ${held} → ${released} MB`);
  assert.ok(again - before > size / 2 && disposed - before < size / 2, `disposed: ${before} → ${again} → ${disposed} MB`);
});

test('a thousand steps over kept tensors hold no more than ten', () => {
  const [start, later] = measure(`
    const n = 1_000_000; // 4 MB a step, 4 GB in all
    const x = input('x', 'float32', ['N']);
    const runtime = await Runtime.create({ threads: 1 });
    const step = await runtime.compile(graph({ y: x.add(1) }));
    await runtime.write('x', { dtype: 'float32', dims: [n], data: new Float32Array(n) });
    const run = async (times) => { for (let i = 0; i < times; i++) await step.run({ x: { kept: 'x' } }, { keep: { y: 'x' } }); };
    await run(10);
    await log();
    await run(1000);
    await log();
  `);
  assert.ok(later - start < 100, `${start} → ${later} MB`);
});

test('results do not pile up', () => {
  const [start, later] = measure(`
    const n = 1_000_000;
    const data = new Float32Array(n);
    const runtime = await Runtime.create({ threads: 1 });
    const add = await runtime.compile(graph({ y: input('x', 'float32', ['N']).add(1) }));
    const run = async (times) => { for (let i = 0; i < times; i++) await add.run({ x: { dtype: 'float32', dims: [n], data } }); };
    await run(10);
    await log();
    await run(300);
    await log();
  `);
  assert.ok(later - start < 150, `${start} → ${later} MB`);
});
