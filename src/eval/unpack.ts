/** Archives of a data set, unpacked once into its folder below the root. They come from the internet: every name and size is checked before a byte is written. */
import { constants, createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { StaveError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { takeLock, type Lock } from '../files/lock.ts';
import { sizeOf } from '../files/look.ts';
import { list, writeError, writeWhole } from '../files/write.ts';
import { placesOf, type DataSet } from './places.ts';

/** An archive of videos hardly shrinks them, one of subtitles to a third or so: what claims to grow more than this is a bomb. */
const MOST_GROWTH = 100, MOST_ENTRIES = 1_000_000;

export type UnpackProgress = { archive: string; done: number; total: number };

/** Unpacks the zip files of a data set that were not unpacked before, or have changed since. Files that are there with their size are kept.
 * @throws DATA for an archive that is damaged or hostile, IO */
export async function unpack(root: string, set: DataSet, { signal, onUnpack }: { signal?: AbortSignal; onUnpack?: (progress: UnpackProgress) => void } = {}): Promise<void> {
  const { folder, marker } = targetOf(root, set);
  if (await allThere(folder, await waiting(root, set))) return; // also where data and archives lie side by side on a disk that can't be written
  const lock = await waitForLock(join(folder, '.unpacking.lock'), signal);
  try {
    for (const archive of await waiting(root, set)) { // another process may have done it meanwhile
      await unpackOne(archive, folder, signal, onUnpack);
      await writeWhole(marker, `${JSON.stringify({ ...(await readMarker(marker)), [relative(root, archive)]: await stateOf(archive) }, null, 2)}\n`);
    }
  } finally {
    await lock.release();
  }
}

/** Names, below the set's folder, of the files in archives that are still to be unpacked. @throws as {@link unpack} does for what it would refuse */
export async function archived(root: string, set: DataSet): Promise<Set<string>> {
  const names = new Set<string>();
  for (const archive of await waiting(root, set)) for (const { fileName } of await withZip(archive, root, undefined, (zip) => checkedEntries(zip, archive))) names.add(join(fileName));
  return names;
}

const targetOf = (root: string, { folder }: DataSet) => ({ folder: join(root, folder), marker: join(root, folder, '.unpacked.json') });

/** Archives that were not unpacked, or have changed since. */
async function waiting(root: string, set: DataSet): Promise<string[]> {
  const archives = (await Promise.all((await placesOf(root, set)).map(list))).flat().filter((file) => file.endsWith('.zip')).toSorted();
  const known = await readMarker(targetOf(root, set).marker);
  const states = await Promise.all(archives.map(stateOf));
  return archives.filter((file, i) => known[relative(root, file)] !== states[i]);
}

const readMarker = (marker: string): Promise<Record<string, string>> => readFile(marker, 'utf8').then((text) => JSON.parse(text) as Record<string, string>).catch(() => ({}));

const stateOf = async (file: string): Promise<string> => {
  const { size, mtimeMs } = await stat(file);
  return `${size} bytes, changed ${new Date(mtimeMs).toISOString()}`;
};

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

async function unpackOne(archive: string, folder: string, signal: AbortSignal | undefined, onUnpack: ((progress: UnpackProgress) => void) | undefined): Promise<void> {
  await withZip(archive, folder, signal, async (zip) => {
    const missing = await missingEntries(zip, archive, folder);
    await checkRoom(folder, missing);
    for (const [done, entry] of missing.entries()) {
      signal?.throwIfAborted();
      onUnpack?.({ archive, done, total: missing.length });
      await writeEntry(zip, entry, join(folder, entry.fileName), signal);
    }
  });
}

async function allThere(folder: string, archives: readonly string[]): Promise<boolean> {
  for (const archive of archives) if ((await withZip(archive, folder, undefined, (zip) => missingEntries(zip, archive, folder))).length > 0) return false;
  return true;
}

/** The files of an archive that are not in the folder with their size. */
async function missingEntries(zip: ZipFile, archive: string, folder: string): Promise<Entry[]> {
  const missing: Entry[] = [];
  for (const entry of await checkedEntries(zip, archive)) if ((await sizeOf(join(folder, entry.fileName))) !== entry.uncompressedSize) missing.push(entry);
  return missing;
}

/** Opens an archive for a while. @param folder what is written to, for messages  @throws DATA for what goes wrong with the archive, IO for what does while writing */
async function withZip<T>(archive: string, folder: string, signal: AbortSignal | undefined, use: (zip: ZipFile) => Promise<T>): Promise<T> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(archive, { lazyEntries: true, autoClose: false, strictFileNames: true });
    return await use(zip);
  } catch (cause) {
    if (cause instanceof StaveError || signal?.aborted) throw cause;
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw writeError(folder, cause);
    throw new StaveError('DATA', { what: `${archive} cannot be unpacked`, why: (cause as Error).message, fix: 'get the archive again from where the data set is published', cause });
  } finally {
    zip?.close();
  }
}

/** Its files. yauzl refuses names that lead out of the folder, absolute ones and backslashes. @throws DATA for what else no data set has */
async function checkedEntries(zip: ZipFile, archive: string): Promise<Entry[]> {
  const refuse = (why: string): never => { throw new StaveError('DATA', { what: `${archive} is not unpacked`, why, fix: 'get the archive again from where the data set is published' }); };
  const entries = new Map<string, Entry>();
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    const { fileName, uncompressedSize, externalFileAttributes } = entry;
    if (fileName.endsWith('/')) continue;
    const kind = (externalFileAttributes >>> 16) & constants.S_IFMT; // 0 where the archive was made on a system without
    if (kind !== 0 && kind !== constants.S_IFREG) refuse(`${fileName} is a link or a device`);
    if (entry.isEncrypted()) refuse(`${fileName} is encrypted`);
    if (entries.has(fileName)) refuse(`${fileName} is in it twice`);
    entries.set(fileName, entry);
    total += uncompressedSize;
    if (entries.size > MOST_ENTRIES) refuse(`it has more than ${MOST_ENTRIES} files`);
    if (total > MOST_GROWTH * zip.fileSize + 1e6) refuse(`its ${zip.fileSize} bytes would become more than ${MOST_GROWTH} times as many`);
  }
  return [...entries.values()];
}

async function checkRoom(folder: string, entries: readonly Entry[]): Promise<void> {
  const needed = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  const { bavail, bsize } = await statfs(folder);
  if (needed > bavail * bsize) throw new StaveError('IO', { what: `${folder} has no room for ${needed} bytes`, why: `${bavail * bsize} are free`, fix: 'make room, or unpack the archives yourself' });
}

/** Whole under its name or not at all; its size (by yauzl) and checksum are those that the archive states. */
async function writeEntry(zip: ZipFile, entry: Entry, path: string, signal: AbortSignal | undefined): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = `${path}.partial`;
  let sum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (typeof zlib.crc32 === 'function') sum = zlib.crc32(chunk, sum); // Node 20.15 and later
      done(null, chunk);
    },
    flush(done) {
      done(typeof zlib.crc32 === 'function' && sum !== entry.crc32 ? new Error(`the checksum of ${entry.fileName} is not the one stated`) : null);
    },
  });
  try {
    await pipeline(await zip.openReadStreamPromise(entry), check, createWriteStream(temporary, { flush: true }), { signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
