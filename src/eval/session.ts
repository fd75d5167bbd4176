/** What a run was made with and on: one record per process, for the manifest. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';

const require = createRequire(import.meta.url);

/** Packages whose version can change an answer. */
const packages = ['onnxruntime-node', 'node-av', '@huggingface/tokenizers', '@huggingface/jinja'];

export function machine(): Record<string, unknown> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const processors = cpus();
  return {
    started: new Date().toISOString(),
    versions: { stave: version, node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])) },
    machine: { platform: process.platform, arch: process.arch, processor: processors[0]?.model ?? null, cores: processors.length, memory: totalmem() },
  };
}

function versionOf(name: string): string | null {
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return null; // a package that keeps its package.json to itself
  }
}
