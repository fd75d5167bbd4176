/** Where models come from and where they lie: the environment variables of the Hub's own Python client. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import type { Environment } from '../files/cache.ts';

export type HubSettings = {
  /** Without a slash at its end. */
  endpoint: string;
  token: string | undefined;
  /** The folder with `models--…`. */
  cache: string;
  /** Milliseconds without a byte until a connection counts as cut. */
  timeout: number;
  /** False: the cache gets files where it would get links. */
  symlinks: boolean;
};

const isOn = (value: string | undefined): boolean => ['1', 'ON', 'YES', 'TRUE'].includes((value ?? '').toUpperCase());

const home = (env: Environment): string => expand(env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface'));

/** The cache of models: HF_HUB_CACHE, else `hub` in HF_HOME, else `~/.cache/huggingface/hub`. */
export function hubCache(env: Environment = process.env): string {
  return expand(env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(home(env), 'hub'));
}

/** HF_ENDPOINT, else the Hub itself. @throws USAGE when it is no address */
export function hubEndpoint(env: Environment = process.env): string {
  const given = env.HF_ENDPOINT || 'https://huggingface.co';
  const url = tryUrl(given);
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new StaveError('USAGE', { what: `HF_ENDPOINT is "${given.replace(/\/\/[^@/]*@/, '//…@')}"`, fix: 'give an address that begins with https:// or http://, without a name or password in it' });
  return given.replace(/\/+$/, '');
}

/** @throws USAGE when a variable has a value that cannot be; HUB_UNREACHABLE when HF_HUB_OFFLINE forbids to ask the Hub */
export async function hubSettings(env: Environment = process.env): Promise<HubSettings> {
  const offline = ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].find((name) => isOn(env[name]));
  if (offline !== undefined) throw new StaveError('HUB_UNREACHABLE', { what: `${offline} is set, so the Hub is not asked`, fix: `unset ${offline}; what is in the cache already works without the Hub` });
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT ?? 10);
  return { endpoint: hubEndpoint(env), token: await token(env), cache: hubCache(env), timeout: (seconds > 0 ? seconds : 10) * 1000, symlinks: !isOn(env.HF_HUB_DISABLE_SYMLINKS) };
}

/** HF_TOKEN, else the one that `hf auth login` has saved. @throws USAGE when it is no token */
async function token(env: Environment): Promise<string | undefined> {
  if (isOn(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const file = expand(env.HF_TOKEN_PATH ?? join(home(env), 'token'));
  const given = (env.HF_TOKEN ?? env.HUGGING_FACE_HUB_TOKEN)?.trim();
  const found = given || (await readFile(file, 'utf8').catch(() => '')).trim();
  // Its value is not shown: it is a secret, even where it is wrong.
  if (!/^[\x21-\x7e]*$/.test(found)) throw new StaveError('USAGE', { what: `${given ? 'HF_TOKEN' : file} holds characters that a token does not have`, fix: 'copy the token again: one word, hf_…' });
  return found || undefined;
}

function tryUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

const expand = (path: string): string => (path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
