/** Writing files so that each is there whole or not at all. */
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StaveError } from '../errors.ts';
import { makeFolder } from './folder.ts';

/** Writes a whole file or nothing: temporary name, fsync, rename. @throws IO */
export async function writeWhole(file: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.partial`; // two processes may write it at once: the later one wins
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncDirectory(dirname(file));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError(file, cause);
  }
}

/** Fills a directory under a temporary name and moves it to its place, so that it is there whole or not at all.
 * An older one at `directory` is replaced. @throws IO */
export async function writeDirectory(directory: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${directory}.partial`, old = `${directory}.old`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await makeFolder(temporary);
    await fill(temporary);
    await rm(old, { recursive: true, force: true });
    await rename(directory, old).catch(ignoreMissing);
    await rename(temporary, directory);
    await rm(old, { recursive: true, force: true });
    await syncDirectory(dirname(directory));
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw writeError(directory, cause);
  }
}

/** Makes a rename in it survive a power cut. Not every system can open a directory: then the system decides. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close().catch(() => {});
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Paths of what a directory holds; none when it does not exist. @throws IO */
export async function list(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new StaveError('IO', { what: `cannot read the folder ${directory}`, why: error.message, fix: 'check the path and its permissions', cause: error });
  });
  return names.map((name) => join(directory, name));
}

/** What the file system threw while writing, as an error that says which file and what to do; other errors pass. @param bytes needed, where that is known */
export function writeError(file: string, cause: unknown, bytes?: number): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (cause instanceof StaveError || code === undefined) return cause;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  if (full) return new StaveError('IO', { what: `no space left on the disk while writing ${file}`, why: bytes === undefined ? undefined : `${bytes} bytes are needed`, fix: 'free some space or choose another folder, then go on: what was complete is untouched', cause });
  return new StaveError('IO', { what: `cannot write ${file}`, ...(inTheWay(cause as NodeJS.ErrnoException) ?? { why: message, fix: 'check that the folder exists and may be written to' }), cause });
}

/** A file where a folder is to be, and the other way round. */
function inTheWay({ code, syscall }: NodeJS.ErrnoException): { why: string; fix: string } | undefined {
  if (code === 'EEXIST' && syscall === 'mkdir') return { why: 'a file of that name is there, it needs to be a folder', fix: 'choose another folder, or move the file away' };
  if (code === 'ENOTDIR') return { why: 'something on its path is a file, it needs to be a folder', fix: 'choose another path, or move the file away' };
  if (code === 'EISDIR') return { why: 'a folder of that name is there', fix: 'choose another name' };
  return undefined;
}
