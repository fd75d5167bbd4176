// Runs before the install script of onnxruntime-node, which on Linux x64 would fetch 300 MB of CUDA libraries from nuget.org and fail where that
// is not reached. stave's engine runs on the processor and needs none of them: placeholders in their place let that script end at once.
// Left alone: a project that depends on onnxruntime-node itself, or says what it wants by ONNXRUNTIME_NODE_INSTALL.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const placeholder = `Not a library: stave put this file here, so that installing it fetches no CUDA libraries.
To have them: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node
`;

try {
  if (!isAsked() && !isOwnDependency()) skipDownloads();
} catch {
  // Another layout of onnxruntime-node, or a folder that cannot be written: its script does what it does.
}

function isAsked() {
  return Object.keys(process.env).some((name) => /^(npm_config_)?onnxruntime_node_install/i.test(name));
}

function isOwnDependency() {
  const file = join(process.env.npm_config_local_prefix ?? '.', 'package.json');
  if (!existsSync(file)) return false;
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(file, 'utf8'));
  return 'onnxruntime-node' in { ...dependencies, ...devDependencies, ...optionalDependencies };
}

function skipDownloads() {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('onnxruntime-node/package.json'));
  const { requirements, manifests } = require('onnxruntime-node/script/install-metadata.js');
  const platform = `${process.platform}/${process.arch}`;
  for (const name of requirements[platform] ?? []) {
    for (const file of Object.keys(manifests[`${platform}:${name}`])) {
      const path = join(folder, 'bin/napi-v6', platform, file);
      if (!existsSync(path)) writeFileSync(path, placeholder);
    }
  }
}
