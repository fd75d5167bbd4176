// Runs before the install script of onnxruntime-node, which on Linux x64 would fetch 300 MB of CUDA libraries from nuget.org and fail where that
// is not reached. stave's engine runs on the processor and needs none of them: placeholders in their place let that script end at once.
// Left alone: an onnxruntime-node that the project or another of its packages depends on too (they may want CUDA), or a project that says what it
// wants by ONNXRUNTIME_NODE_INSTALL.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const placeholder = `Not a library: stave put this file here, so that installing it fetches no CUDA libraries.
To have them: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node
`;

const require = createRequire(import.meta.url);

try {
  const folder = dirname(require.resolve('onnxruntime-node/package.json'));
  if (!isAsked() && !isShared(folder)) skipDownloads(folder);
} catch {
  // Another layout of onnxruntime-node, or a folder that cannot be written: its script does what it does.
}

function isAsked() {
  return Object.keys(process.env).some((name) => /^(npm_config_)?onnxruntime_node_install/i.test(name));
}

/** Whether the project or another package beside it (a workspace is a link there) depends on it: npm has unpacked them all by now. */
function isShared(folder) {
  const modules = dirname(folder);
  const names = readdirSync(modules).flatMap((name) => (name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name]));
  const others = names.filter((name) => name !== 'stave' && !name.startsWith('.')).map((name) => join(modules, name));
  return dependsOnIt(process.env.npm_config_local_prefix ?? '.', true) || others.some((path) => dependsOnIt(path, false));
}

function dependsOnIt(path, isProject) {
  const file = join(path, 'package.json');
  if (!existsSync(file)) return false;
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = JSON.parse(readFileSync(file, 'utf8'));
  return 'onnxruntime-node' in { ...dependencies, ...optionalDependencies, ...peerDependencies, ...(isProject && devDependencies) };
}

function skipDownloads(folder) {
  const { requirements, manifests } = require('onnxruntime-node/script/install-metadata.js');
  const platform = `${process.platform}/${process.arch}`;
  for (const name of requirements[platform] ?? []) {
    for (const file of Object.keys(manifests[`${platform}:${name}`])) {
      const path = join(folder, 'bin/napi-v6', platform, file);
      if (!existsSync(path)) writeFileSync(path, placeholder);
    }
  }
}
