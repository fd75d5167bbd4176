/** What a run was made with and on: one record per process, for the manifest. */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** From the package.json above the file that is imported: many packages don't export theirs. */
function versionOf(name: string): string | null {
  try {
    for (let folder = dirname(fileURLToPath(import.meta.resolve(name))); ; folder = dirname(folder)) {
      const file = join(folder, 'package.json');
      if (existsSync(file)) {
        const found = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
        if (found.name === name) return found.version ?? null;
      }
      if (folder === dirname(folder)) return null;
    }
  } catch {
    return null;
  }
}
