/** What the npm package holds, and that it works outside of this repository: built JavaScript, types, the program. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from '../src/index.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const clip = join(root, 'test/goldens/video/h264_bframes_30fps.mp4');
const model = join(root, 'test/goldens/models/staveq2');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[]; dependencies: Record<string, string>; version: string };
const tsc = join(root, 'node_modules/typescript/bin/tsc');

// A project that has installed it: the files of the package, and of what it depends on nothing but the runtime dependencies.
const project = mkdtempSync(join(tmpdir(), 'stave-package-'));
after(() => rmSync(project, { recursive: true }));
const home = join(project, 'node_modules/stave');
for (const path of ['package.json', ...manifest.files].filter((file) => file !== 'dist' && existsSync(join(root, file)))) cpSync(join(root, path), join(home, path), { recursive: true });
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(home, 'dist')]);
writeFileSync(join(project, 'package.json'), '{"type":"module"}');
for (const name of Object.keys(manifest.dependencies)) {
  mkdirSync(join(project, 'node_modules', name, '..'), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
}

/** The pinned Node, and the system's where it is another one. */
const nodes = [process.execPath, ...['/usr/bin/node', '/usr/local/bin/node'].filter((path) => existsSync(path) && spawnSync(path, ['-e', `process.exit(process.version === '${process.version}' || parseInt(process.versions.node) < 20 ? 1 : 0)`]).status === 0)];

test('the files: built code, types, model, clips; no tests, no sources; under 20 MB', () => {
  const [{ files, unpackedSize }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as { files: { path: string }[]; unpackedSize: number }[];
  const paths = files.map(({ path }) => path);
  for (const path of ['package.json', 'LICENSE', 'bin/stave.js', 'install/preinstall.js', 'box/recipe.json']) assert.ok(paths.includes(path), path);
  assert.deepEqual(paths.filter((path) => !/^(bin|dist|install|box\/(model|clips|tokenizer))\/|^(package\.json|LICENSE|README\.md|CHANGELOG\.md|box\/recipe(-2|-control)?\.json)$/.test(path)), []);
  assert.ok(unpackedSize < 20e6, `${unpackedSize} bytes`);
  const built = readdirSync(join(home, 'dist'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(built.filter((path) => /(^|\/)test|\.test\.|goldens/.test(path) || (path.endsWith('.ts') && !path.endsWith('.d.ts'))), []);
});

const stave = (node: string, ...argv: string[]) => spawnSync(node, [join(home, 'bin/stave.js'), ...argv], { encoding: 'utf8', cwd: project });

for (const node of nodes) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();

  test(`Node ${version}: import { load } answers as the source does`, async () => {
    writeFileSync(join(project, 'ask.js'), `import { load } from 'stave';
      const model = await load(${JSON.stringify(model)}, { threads: 1 });
      const { token_ids } = await model.ask(${JSON.stringify(clip)}, 'What moves?', { max_new_tokens: 8 }).result();
      await model.dispose();
      console.log(token_ids.join());`);
    const printed = execFileSync(node, [join(project, 'ask.js')], { encoding: 'utf8' });
    await using here = await load(model, { threads: 1 });
    assert.equal(printed, `${(await here.ask(clip, 'What moves?', { max_new_tokens: 8 }).result()).token_ids.join()}\n`);
  });

  test(`Node ${version}: the program runs`, () => {
    assert.equal(stave(node, '--version').stdout, `${manifest.version}\n`);
    const plan = stave(node, 'plan', clip, '--model', model, '--json');
    assert.equal((JSON.parse(plan.stdout) as { duration: number }).duration, 3);
    assert.deepEqual([['render', 'out', '--count', '1'], ['plan', 'nowhere.mp4', '--model', model], ['aks']].map((argv) => stave(node, ...argv).status), [0, 1, 2]);
  });
}

test('the types stand alone: strict, without @types/node or skipLibCheck', () => {
  writeFileSync(join(project, 'use.ts'), `import { decode, load, planVideo, train, loadRecipe, isAbort, StaveError, type AnswerResult, type AskOptions } from 'stave';
    const model = await load(undefined, { threads: 1 });
    const options: AskOptions = { sampling: { rule: 'count', frames: 16, repeat: true }, max_new_tokens: 4, signal: AbortSignal.timeout(1000) };
    const answer = model.ask('clip.mp4', 'What?', options);
    for await (const piece of answer) piece.trimEnd();
    const result: AnswerResult = await answer.result();
    const seconds: number | null = result.frames[0].time;
    const bytes: number = (await planVideo('dir', 'clip.mp4')).memory.total;
    const loss = await train(await loadRecipe('recipe.json'), { onStep: (step) => step.loss.toFixed(2) });
    // @ts-expect-error no such rule
    model.ask('clip.mp4', 'What?', { sampling: { rule: 'nothing' } });
    export const all = [seconds, bytes, loss.finished, isAbort(new StaveError('USAGE', { what: 'x' }))];
    for await (const { data, time } of decode('clip.mp4', { pick: result.frames.map(({ index }) => index) })) time.toFixed(data.length);
    await model.dispose();`);
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--strict', '--target', 'es2022', '--module', 'nodenext', '--noEmit', 'use.ts'], { encoding: 'utf8', cwd: project });
  assert.deepEqual([stdout, status], ['', 0]);
});
