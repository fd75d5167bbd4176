/** Looking at what is there. */
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes of the regular file behind a path; undefined: none there. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() ? info.size : undefined;
}

/** The first of the paths where there is a regular file. */
export async function firstFile(paths: Iterable<string>): Promise<string | undefined> {
  for (const path of paths) if ((await sizeOf(path)) !== undefined) return path;
  return undefined;
}

/** Whether there is anything at a path. */
export const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** Why a file that was named could not be read, in words. */
export function whyUnread({ code, message }: NodeJS.ErrnoException): string {
  const known: Record<string, string> = { ENOENT: 'no such file', ENOTDIR: 'no such file', EISDIR: 'it is a directory', EACCES: 'you may not read it', EPERM: 'you may not read it' };
  return known[code ?? ''] ?? message;
}

/** Bytes that may still be written to where a folder is or would be. */
export async function freeSpace(folder: string): Promise<number | undefined> {
  const disk = await statfs(folder).catch(() => undefined);
  if (disk !== undefined) return disk.bavail * disk.bsize;
  return dirname(folder) === folder ? undefined : freeSpace(dirname(folder));
}
