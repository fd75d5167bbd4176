/** The layout of the Hub's own cache, so that what either downloads, both have:
 * models--OWNER--NAME/ blobs/ETAG (the bytes), snapshots/COMMIT/FILE (a link there), refs/REVISION (the commit, as text). */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, readFile, readdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { StaveError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { takeLock, type Lock } from '../files/lock.ts';
import { exists, sizeOf } from '../files/look.ts';
import { writeError, writeWhole } from '../files/write.ts';
import { readIndex } from '../weights/shards.ts';
import { folderOf, isCommit, type RepositoryKind } from './names.ts';

/** Where a model or data set lies. */
export type Place = { id: string; cache: string; root: string };

export const placeOf = (cache: string, id: string, kind?: RepositoryKind): Place => ({ id, cache, root: join(cache, folderOf(id, kind)) });
export const blobPath = ({ root }: Place, etag: string): string => join(root, 'blobs', etag);
export const snapshotPath = ({ root }: Place, commit: string): string => join(root, 'snapshots', commit);

/** Keeps other processes of ours from the model meanwhile. @throws HUB_BUSY, IO */
export function lockModel({ id, cache }: Place): Promise<Lock> {
  const file = join(cache, '.locks', folderOf(id), 'stave.lock');
  return takeLock(file, (who) => new StaveError('HUB_BUSY', { what: `${id} is being pulled or removed by ${who}`, fix: `wait for it or stop it; if it does so no more, remove ${file}` }));
}

/** Lets a file of a snapshot lead to its blob: a relative link, so that the cache can be moved; where links are impossible, the file itself, a second name
 * of the same bytes if the disk can do that. @throws IO */
export async function place(blob: string, file: string, symlinks: boolean): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await makeFolder(dirname(file));
    const bytes = await realpath(blob); // of other clients it may be a link itself
    if ((await realpath(file).catch(() => undefined)) === bytes) return;
    const done = (symlinks && (await works(symlink(relative(dirname(file), blob), temporary)))) || (await works(link(bytes, temporary)));
    if (!done) await copyFile(bytes, temporary, constants.COPYFILE_FICLONE);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw writeError(file, cause);
  }
}

const works = (making: Promise<void>): Promise<boolean> => making.then(() => true, () => false);

/** Says which commit a branch or tag stands for. @throws IO */
export async function writeRef({ root }: Place, revision: string, commit: string): Promise<void> {
  if (isCommit(revision) || (await readRef({ root }, revision)) === commit) return;
  const file = join(root, 'refs', revision);
  await makeFolder(dirname(file)).catch((cause: unknown) => { throw writeError(file, cause); });
  await writeWhole(file, commit);
}

/** The commit that a revision stood for when it was pulled. */
export async function readRef({ root }: Pick<Place, 'root'>, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const commit = (await readFile(join(root, 'refs', revision), 'utf8').catch(() => '')).trim();
  return isCommit(commit) ? commit : undefined;
}

/** The directory of a revision that was pulled; undefined: it was not. @param orOnly where nothing tells which commit the revision is, the only one that is there counts */
export async function findSnapshot(where: Pick<Place, 'root'>, revision: string, { orOnly = false }: { orOnly?: boolean } = {}): Promise<string | undefined> {
  const commits = orOnly ? (await readdir(join(where.root, 'snapshots')).catch(() => [])).filter(isCommit) : [];
  const commit = (await readRef(where, revision)) ?? (commits.length === 1 ? commits[0] : undefined);
  if (commit === undefined) return undefined;
  const dir = join(where.root, 'snapshots', commit);
  return (await exists(dir)) ? dir : undefined;
}

/** First file that a snapshot lacks to be a model; undefined: it is whole. Other clients fetch file by file, and not all. */
export async function lacking(snapshot: string): Promise<string | undefined> {
  const lacks = async (name: string): Promise<boolean> => (await sizeOf(join(snapshot, name))) === undefined;
  for (const name of ['config.json', 'tokenizer.json']) if (await lacks(name)) return name;
  if (!(await lacks('model.safetensors'))) return undefined;
  const index = 'model.safetensors.index.json';
  if (await lacks(index)) return 'model.safetensors';
  const { shards } = await readIndex(join(snapshot, index)).catch(() => ({ shards: new Map<string, string[]>() }));
  for (const name of shards.keys()) if (await lacks(name)) return name;
  return shards.size === 0 ? index : undefined;
}
