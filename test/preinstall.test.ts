/** What the install script does to the onnxruntime-node of a project that has stave among its dependencies. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const skip = process.platform !== 'linux' || process.arch !== 'x64'; // nothing is downloaded elsewhere
const engine = { dependencies: { 'onnxruntime-node': '^1.30.0' } };

/** The files put in place of CUDA libraries in a project of these packages, by path. */
function placed(t: TestContext, packages: Record<string, object>, env: Record<string, string> = {}): string[] {
  const project = mkdtempSync(join(tmpdir(), 'stave-install-'));
  t.after(() => rmSync(project, { recursive: true }));
  const libraries = join(project, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64');
  mkdirSync(libraries, { recursive: true });
  for (const path of ['package.json', 'script']) cpSync(join(root, 'node_modules/onnxruntime-node', path), join(project, 'node_modules/onnxruntime-node', path), { recursive: true });
  for (const [path, json] of Object.entries({ '.': {}, 'node_modules/stave': { type: 'module', ...engine }, ...packages })) {
    mkdirSync(join(project, path), { recursive: true });
    writeFileSync(join(project, path, 'package.json'), JSON.stringify(json));
    if (path.startsWith('packages/')) symlinkSync(join(project, path), join(project, 'node_modules', path.slice('packages/'.length)));
  }
  const script = join(project, 'node_modules/stave/install/preinstall.js');
  mkdirSync(dirname(script));
  cpSync(join(root, 'install/preinstall.js'), script);
  const { ONNXRUNTIME_NODE_INSTALL: _, NODE_OPTIONS: __, ...rest } = process.env; // what .npmrc sets here
  execFileSync(process.execPath, [script], { cwd: dirname(dirname(script)), env: { ...rest, npm_config_local_prefix: project, ...env } });
  return readdirSync(libraries);
}

test('stave alone needs the engine: no CUDA libraries are fetched', { skip }, (t) => assert.ok(placed(t, {}).length > 0));

for (const [who, packages] of Object.entries<Record<string, object>>({
  'the project itself': { '.': engine },
  'a package beside it': { 'node_modules/@huggingface/transformers': engine },
  'a workspace': { 'packages/app': engine },
}))
  test(`${who} needs the engine too: it is left alone`, { skip }, (t) => assert.deepEqual(placed(t, packages), []));

test('who says what to install gets it', { skip }, (t) => assert.deepEqual(placed(t, {}, { ONNXRUNTIME_NODE_INSTALL: 'cuda12' }), []));
