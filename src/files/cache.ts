import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What stave keeps to save work and can make again: STAVE_CACHE, else `stave` in XDG_CACHE_HOME, else in ~/.cache. */
export const cacheFolder = (env: Environment = process.env): string => env.STAVE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'stave');
