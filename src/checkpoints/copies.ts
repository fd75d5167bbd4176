/** Converted checkpoints that stave made by itself, each once: kept in a cache, found again by the content of what they were made from. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { StaveError } from '../errors.ts';
import { cacheFolder, type Environment } from '../files/cache.ts';
import { takeLock, type Lock } from '../files/lock.ts';
import { exists } from '../files/look.ts';
import { writeError } from '../files/write.ts';
import { Fields } from '../models/fields.ts';
import { parseQuantization, parts, type WeightTypes } from '../models/weight-types.ts';
import { writeConverted, type ConvertOptions } from './convert.ts';

/** Grows when the same settings give other bytes: older copies are then made anew. */
const VERSION = 1;

/** Milliseconds between two looks at a copy that another process makes. */
const PAUSE = 500;

/** Where copies lie: `weights` in the cache. */
export const copiesFolder = (env?: Environment): string => join(cacheFolder(env), 'weights');

export type KeepOptions = Omit<ConvertOptions, 'types' | 'marked'> & {
  /** Called when another process is at the same copy; it is waited for. */
  onWait?: (who: string) => void;
  env?: Environment;
};

/** The directory of a copy with these types; made if it is not there yet, however many ask for it at once. @param fingerprint of the base  @throws as convertCheckpoint() */
export async function keptCopy(base: string, fingerprint: string, types: WeightTypes, { onWait, env, ...options }: KeepOptions = {}): Promise<string> {
  const key = [fingerprint, ...parts.map((part) => types[part]), VERSION].join('-');
  const dir = join(copiesFolder(env), key);
  if (await exists(dir)) return dir;
  await using _ = await waitForLock(dir, options.signal, onWait);
  if (!(await exists(dir))) await writeConverted(base, dir, { ...options, types, marked: true });
  return dir;
}

/** Keeps copies from being made or removed by two at once. */
async function waitForLock(dir: string, signal: AbortSignal | undefined, onWait?: (who: string) => void): Promise<Lock> {
  for (;;) {
    let holder: string | undefined;
    try {
      return await takeLock(`${dir}.lock`, (who) => new Error((holder = who)));
    } catch (error) {
      if (holder === undefined) throw error;
      onWait?.(holder);
      await setTimeout(PAUSE, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

/** A copy in the cache. */
export type KeptCopy = {
  /** Its folder's name. */
  key: string;
  dir: string;
  /** What it was made from, as that was called then. */
  name: string;
  types: WeightTypes | null;
  /** Bytes. */
  size: number;
  /** False: a conversion that was stopped by force. */
  whole: boolean;
};

/** All copies, by the name of what they were made from. @throws IO when the cache cannot be read */
export async function keptCopies(env?: Environment): Promise<KeptCopy[]> {
  const folder = copiesFolder(env);
  const keys = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new StaveError('IO', { what: `cannot read ${folder}`, why: cause.message, fix: 'check its permissions, or set STAVE_CACHE to another folder', cause });
  });
  const copies = await Promise.all(keys.filter((key) => /^[0-9a-f]{16}-[\w-]+(\.partial)?$/.test(key)).map((key) => look(folder, key)));
  return copies.toSorted((a, b) => (`${a.name} ${a.key}` < `${b.name} ${b.key}` ? -1 : 1));
}

async function look(folder: string, key: string): Promise<KeptCopy> {
  const dir = join(folder, key);
  const files = await readdir(dir).catch(() => []);
  const sizes = await Promise.all(files.map((file) => stat(join(dir, file)).then(({ size }) => size, () => 0)));
  const text = await readFile(join(dir, 'config.json'), 'utf8').catch(() => '');
  const made = quantizationOf(text);
  return { key, dir, name: made?.name ?? '', types: made?.types ?? null, size: sizes.reduce((a, b) => a + b, 0), whole: !key.endsWith('.partial') };
}

function quantizationOf(text: string): ReturnType<typeof parseQuantization> {
  try {
    return parseQuantization(new Fields(JSON.parse(text), 'config.json'));
  } catch {
    return undefined; // it is listed all the same, so that it can be removed
  }
}

/** Takes a copy out of the cache. @returns bytes that were freed  @throws MODEL_MISSING; IO, also while it is being made */
export async function removeCopy(key: string, env?: Environment): Promise<number> {
  const copy = (await keptCopies(env)).find((kept) => kept.key === key);
  if (copy === undefined) throw new StaveError('MODEL_MISSING', { what: `there is no copy ${key} in ${copiesFolder(env)}`, fix: '"stave models" lists what is there' });
  await using _ = await takeLock(`${copy.dir.replace(/\.partial$/, '')}.lock`, (who) => new StaveError('IO', { what: `${key} is being made or removed by ${who}`, fix: 'wait for it' }));
  await rm(copy.dir, { recursive: true, force: true }).catch((cause: unknown) => { throw writeError(copy.dir, cause); });
  return copy.size;
}
