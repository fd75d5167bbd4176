/** What a run was made with and on: one record per process, for the manifest. */
import { cpus, totalmem } from 'node:os';
import { staveVersion, versionOf } from '../files/version.ts';

/** Packages whose version can change an answer. */
const packages = ['onnxruntime-node', 'node-av', '@huggingface/tokenizers', '@huggingface/jinja'];

export function machine(): Record<string, unknown> {
  const processors = cpus();
  return {
    started: new Date().toISOString(),
    versions: { stave: staveVersion(), node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])) },
    machine: { platform: process.platform, arch: process.arch, processor: processors[0]?.model ?? null, cores: processors.length, memory: totalmem() },
  };
}
