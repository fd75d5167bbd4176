/** Archives of a data set, unpacked once into its folder below the root. */
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { StaveError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { takeLock, type Lock } from '../files/lock.ts';
import { sizeOf } from '../files/look.ts';
import { writeError, writeWhole } from '../files/write.ts';
import type { Archive, Format, Packed } from './archives/archive.ts';
import { archivesIn } from './archives/find.ts';
import { tar } from './archives/tar.ts';
import { zip } from './archives/zip.ts';
import { placesOf, type DataSet } from './places.ts';

const formats: Record<Archive['kind'], Format> = { zip, tar };

/** Archives within archives are unpacked, too: so many times. */
const MOST_ROUNDS = 3;

/** total: null while the archive's names and sizes are looked through. */
export type UnpackProgress = { archive: string; done: number; total: number | null };

type UnpackOptions = { signal?: AbortSignal; onUnpack?: (progress: UnpackProgress) => void };

/** Unpacks the archives of a data set that were not unpacked before, or have changed since, then those that came out of them. Files that are there with their size are kept.
 * @throws DATA for an archive that is damaged or hostile, IO; the signal's reason */
export async function unpack(root: string, set: DataSet, options: UnpackOptions = {}): Promise<void> {
  const { folder, marker } = targetOf(root, set);
  const listed = new Map<string, Packed[]>(); // by name and state: a large one takes minutes to look through
  const missingOf = async (archive: Archive): Promise<Packed[]> => {
    const key = `${archive.name} ${stateOf(archive)}`;
    if (!listed.has(key)) {
      options.onUnpack?.({ archive: archive.name, done: 0, total: null });
      listed.set(key, await formats[archive.kind].list(archive, options.signal));
    }
    return missingFiles(listed.get(key)!, folder);
  };
  if (await allThere(await waiting(root, set), missingOf)) return; // also where data and archives lie side by side on a disk that can't be written
  const lock = await waitForLock(join(folder, '.unpacking.lock'), options.signal);
  try {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const archives = await waiting(root, set); // another process may have done it meanwhile
      for (const archive of archives) {
        await unpackOne(archive, folder, await missingOf(archive), options);
        await writeWhole(marker, `${JSON.stringify({ ...(await readMarker(marker)), [relative(root, archive.name)]: stateOf(archive) }, null, 2)}\n`);
      }
      if (archives.length === 0) break;
    }
  } finally {
    await lock.release();
  }
}

/** Names, below the set's folder, of the files in archives that are still to be unpacked. @throws as {@link unpack} does for what it would refuse */
export async function archived(root: string, set: DataSet, signal?: AbortSignal): Promise<Set<string>> {
  const names = new Set<string>();
  for (const archive of await waiting(root, set)) for (const { path } of await formats[archive.kind].list(archive, signal)) names.add(join(path));
  return names;
}

const targetOf = (root: string, { folder }: DataSet) => ({ folder: join(root, folder), marker: join(root, folder, '.unpacked.json') });

/** Archives that were not unpacked, or have changed since. */
async function waiting(root: string, set: DataSet): Promise<Archive[]> {
  const known = await readMarker(targetOf(root, set).marker);
  return (await archivesIn(await placesOf(root, set), set.pieces)).filter((archive) => known[relative(root, archive.name)] !== stateOf(archive));
}

const readMarker = (marker: string): Promise<Record<string, string>> => readFile(marker, 'utf8').then((text) => JSON.parse(text) as Record<string, string>).catch(() => ({}));

const stateOf = ({ parts }: Archive): string => parts.map(({ bytes, mtime }) => `${bytes} bytes, changed ${new Date(mtime).toISOString()}`).join('; ');

/** Shards that start at once wait for the first one. */
async function waitForLock(file: string, signal: AbortSignal | undefined): Promise<Lock> {
  const busy = new Error('busy');
  for (;;) {
    try {
      return await takeLock(file, () => busy);
    } catch (error) {
      if (error !== busy) throw error;
      await setTimeout(500, undefined, { signal });
    }
  }
}

async function allThere(archives: readonly Archive[], missingOf: (archive: Archive) => Promise<Packed[]>): Promise<boolean> {
  for (const archive of archives) if ((await missingOf(archive)).length > 0) return false;
  return true;
}

/** Those that are not in the folder with their size. */
async function missingFiles(files: readonly Packed[], folder: string): Promise<Packed[]> {
  const missing: Packed[] = [];
  for (const file of files) if ((await sizeOf(join(folder, file.path))) !== file.bytes) missing.push(file);
  return missing;
}

async function unpackOne(archive: Archive, folder: string, missing: readonly Packed[], { signal, onUnpack }: UnpackOptions): Promise<void> {
  if (missing.length === 0) return;
  await checkRoom(folder, missing);
  let done = 0;
  await formats[archive.kind].read(archive, new Set(missing.map(({ path }) => path)), async ({ path }, content) => {
    onUnpack?.({ archive: archive.name, done: done++, total: missing.length });
    await writeFile(join(folder, path), content, signal);
  }, signal);
}

async function checkRoom(folder: string, files: readonly Packed[]): Promise<void> {
  const needed = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(folder);
  if (needed > bavail * bsize) throw new StaveError('IO', { what: `${folder} has no room for ${needed} bytes`, why: `${bavail * bsize} are free`, fix: 'make room, or unpack the archives yourself' });
}

/** Whole under its name or not at all. @throws IO, what the content throws */
async function writeFile(path: string, content: Readable, signal: AbortSignal | undefined): Promise<void> {
  const temporary = `${path}.partial`;
  try {
    await makeFolder(dirname(path));
    await pipeline(content, createWriteStream(temporary, { flush: true }), { signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : writeError(path, error);
  }
}
