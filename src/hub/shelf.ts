/** What lies in the cache, and taking it out. */
import { lstat, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { writeError } from '../files/write.ts';
import type { Environment } from '../files/cache.ts';
import { lacking, lockModel, placeOf, readRef, snapshotPath, type Place } from './cache.ts';
import { tryJson } from './json.ts';
import { checkModelId, idOfFolder, isCommit } from './names.ts';
import { architectureOf, checkRunnable } from './runnable.ts';
import { hubCache } from './settings.ts';

/** A model in the cache at one commit. */
export type CachedModel = {
  id: string;
  /** Null: only parts of files are there yet. */
  commit: string | null;
  /** Branches and tags that stood for the commit when they were pulled. */
  revisions: string[];
  dir: string | null;
  /** Bytes; files of other commits that have the same content count for each. */
  size: number;
  architecture: string | null;
  /** Whether stave can run it, and if not, why. */
  runnable: boolean;
  why: string | null;
};

/** All models in the cache, by name. Whatever else lies there is passed over. @throws IO when the cache cannot be read */
export async function cachedModels(env?: Environment): Promise<CachedModel[]> {
  const cache = hubCache(env);
  const folders = await readdir(cache).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new StaveError('IO', { what: `cannot read the cache ${cache}`, why: cause.message, fix: 'check its permissions, or set HF_HUB_CACHE to another folder', cause });
  });
  const models = await Promise.all(folders.toSorted().map((folder) => {
    const id = idOfFolder(folder);
    return id === undefined ? [] : commitsOf(placeOf(cache, id));
  }));
  return models.flat();
}

async function commitsOf(where: Place): Promise<CachedModel[]> {
  const commits = (await names(join(where.root, 'snapshots'))).filter(isCommit);
  const refs = await refsOf(where);
  const models = await Promise.all(commits.map((commit) => look(where, commit, [...refs].filter(([, of]) => of === commit).map(([revision]) => revision))));
  if (models.length > 0) return models.toSorted((a, b) => b.revisions.length - a.revisions.length);
  const size = await bytesOf(await names(join(where.root, 'blobs'), true));
  return size === 0 ? [] : [{ id: where.id, commit: null, revisions: [], dir: null, size, architecture: null, runnable: false, why: `not whole; "stave pull ${where.id}" goes on` }];
}

async function look(where: Place, commit: string, revisions: string[]): Promise<CachedModel> {
  const dir = snapshotPath(where, commit);
  const size = await bytesOf(await names(dir, true));
  const text = await readFile(join(dir, 'config.json'), 'utf8').catch(() => undefined);
  const model = { id: where.id, commit, revisions, dir, size, architecture: (text !== undefined && architectureOf(tryJson(text))) || null };
  if (text !== undefined) {
    try {
      checkRunnable(text, 'config.json');
    } catch (error) {
      if (!(error instanceof StaveError)) throw error;
      return { ...model, runnable: false, why: error.what };
    }
  }
  const lacks = await lacking(dir);
  return { ...model, runnable: lacks === undefined, why: lacks === undefined ? null : `${lacks} is missing; "stave pull ${where.id}" fetches it` };
}

/** Takes a model with all its revisions out of the cache. @returns bytes that were freed  @throws MODEL_MISSING, HUB_BUSY, IO */
export async function removeModel(id: string, env?: Environment): Promise<number> {
  checkModelId(id);
  const where = placeOf(hubCache(env), id);
  const folder = await lstat(where.root).catch(() => undefined);
  if (folder === undefined) throw new StaveError('MODEL_MISSING', { what: `there is no model ${id} in the cache ${where.cache}`, fix: '"stave models" lists what is there' });
  await using _ = await lockModel(where);
  const size = await bytesOf(await names(where.root, true));
  // What makes it a model first: stopped in between, nothing is left that looks whole. Of a link, the link alone: where it leads is not the cache's.
  const parts = folder.isSymbolicLink() ? [''] : ['refs', 'snapshots', ''];
  try {
    for (const part of parts) await rm(join(where.root, part), { recursive: true, force: true });
  } catch (cause) {
    throw writeError(where.root, cause);
  }
  return folder.isSymbolicLink() ? 0 : size;
}

/** Names in a folder, or the paths of all files under it; none where there is no folder. */
async function names(folder: string, below = false): Promise<string[]> {
  const entries = await readdir(folder, { recursive: below }).catch(() => []);
  return below ? entries.map((name) => join(folder, name)) : entries;
}

/** Bytes behind paths, each file once, however many links lead to it. */
async function bytesOf(paths: readonly string[]): Promise<number> {
  const sizes = new Map<string, number>();
  for (const path of paths) {
    const real = await realpath(path).catch(() => undefined);
    const info = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (info?.isFile()) sizes.set(`${info.dev} ${info.ino}`, info.size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function refsOf(where: Place): Promise<Map<string, string>> {
  const folder = join(where.root, 'refs');
  const refs = new Map<string, string>();
  for (const path of await names(folder, true)) {
    const revision = path.slice(folder.length + 1).replaceAll('\\', '/');
    const commit = await readRef(where, revision);
    if (commit !== undefined) refs.set(revision, commit);
  }
  return refs;
}

