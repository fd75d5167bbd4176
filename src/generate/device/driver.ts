import { readFile, readdir, stat } from 'node:fs/promises';
import { homedir, release } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../runtime/index.ts';

/** What Vulkan's loader and CUDA's libraries look at to choose a driver. */
const variables: Record<Device, string[]> = {
  cpu: [],
  webgpu: ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES', 'VK_LOADER_DRIVERS_SELECT', 'VK_LOADER_DRIVERS_DISABLE'],
  cuda: ['LD_LIBRARY_PATH', 'PATH', 'CUDA_VISIBLE_DEVICES', 'CUDA_PATH'],
};

/** A text that changes when a device's driver does, as far as the system shows it: the engine does not name its driver. */
export async function driverOf(device: Device): Promise<string> {
  const set = variables[device].map((name) => `${name}=${process.env[name] ?? ''}`);
  const given = device === 'webgpu' ? [process.env.VK_DRIVER_FILES, process.env.VK_ICD_FILENAMES].flatMap((list) => list?.split(':') ?? []) : [];
  const found = await Promise.all([...given.map(dated), ...places().map(dated)]);
  return [process.platform, process.arch, release(), ...set, ...found.flat()].join('\n');
}

/** Where drivers are installed: on Linux Vulkan's manifests, the kernel's module and the cards; on Windows all drivers; macOS has its own, which its release tells. */
function places(): string[] {
  if (process.platform === 'win32') return [join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'DriverStore', 'FileRepository')];
  if (process.platform !== 'linux') return [];
  const manifests = ['/etc', '/usr/share', '/usr/local/share', join(homedir(), '.local/share')].map((folder) => `${folder}/vulkan/icd.d`);
  return [...manifests, '/proc/driver/nvidia/version', '/dev/dri'];
}

/** A file's or folder's size and date, and those of what it holds; of the files in /proc, which have neither, what they say. */
async function dated(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return [];
  if (path.startsWith('/proc/')) return [`${path} ${await readFile(path, 'utf8').catch(() => '')}`];
  const names = info.isDirectory() && process.platform === 'linux' ? (await readdir(path).catch(() => [])).toSorted() : [];
  const inside = await Promise.all(names.map((name) => stat(join(path, name)).then(({ size, mtimeMs }) => `${path}/${name} ${size} ${mtimeMs}`, () => `${path}/${name}`)));
  return [`${path} ${info.size} ${path.startsWith('/dev/') ? '' : info.mtimeMs}`, ...inside];
}
