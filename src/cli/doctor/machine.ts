/** The machine: Node, processor, memory, disk. */
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { freeSpace } from '../../files/look.ts';
import { availableMemory, machineMemory } from '../../generate/machine.ts';
import { hubCache } from '../../hub/index.ts';
import { bytes } from '../units.ts';
import { checking } from './finding.ts';

export const checkNode = checking('node', async () => {
  const { node } = process.versions;
  const found = `${node} on ${process.platform} ${process.arch}`;
  return Number.parseInt(node) >= 20 ? { status: 'ok', found } : { status: 'fail', found, fix: 'install Node 20 or later' };
});

/** Instructions that the engine's kernels ask for, as Linux names them. */
const telling = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'avx512_bf16', 'amx_int8', 'asimddp', 'i8mm', 'sve', 'bf16'];

export const checkProcessor = checking('processor', async () => {
  const all = cpus().length, usable = availableParallelism();
  const features = await cpuFeatures();
  const found = `${cpus()[0]?.model.trim() || process.arch}, ${usable === all ? `${all} cores` : `${usable} of ${all} cores usable`}${features === undefined ? '' : `; ${telling.filter((name) => features.has(name)).join(' ') || 'no vector instructions known'}`}`;
  if (process.arch === 'x64' && features !== undefined && !features.has('avx2')) return { status: 'warn', found, fix: 'without AVX2 answers take many times longer: use another machine for more than trying it out' };
  return { status: 'ok', found };
});

/** Undefined where the system does not list them. */
async function cpuFeatures(): Promise<ReadonlySet<string> | undefined> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1];
  return flags === undefined ? undefined : new Set(flags.split(/\s+/));
}

export const checkMemory = checking('memory', async () => {
  const total = machineMemory(), free = availableMemory();
  const found = `${bytes(free)} of ${bytes(total)} free`;
  return free >= 1e9 ? { status: 'ok', found } : { status: 'warn', found, fix: 'the model in the box needs 250 MB, real checkpoints many GB ("stave plan" says how many): end other programs' };
});

export const checkDisk = checking('disk', async () => {
  const cache = hubCache();
  const free = await freeSpace(cache);
  if (free === undefined) return { status: 'warn', found: `free space is not known for ${cache}`, fix: 'check that the disk is there, or set HF_HUB_CACHE to a folder on another' };
  const found = `${bytes(free)} free for ${cache}`;
  return free >= 5e9 ? { status: 'ok', found } : { status: 'warn', found, fix: 'Qwen2-VL-2B alone has 4.4 GB: make room ("stave models" lists what is there), or set HF_HUB_CACHE to a folder on another disk' };
});
