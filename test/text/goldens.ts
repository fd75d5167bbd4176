import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ReadText } from '../../src/text/index.ts';

const folder = (path: string) => new URL(`../goldens/${path}/`, import.meta.url);

/** Reads the text files of a folder of test/goldens, packed ones too. */
export function files(path: string): ReadText {
  return async (name) => {
    const file = new URL(name, folder(path)), packed = new URL(`${name}.gz`, folder(path));
    if (existsSync(file)) return readFileSync(file, 'utf8');
    return existsSync(packed) ? gunzipSync(readFileSync(packed)).toString('utf8') : undefined;
  };
}

export async function json(path: string, name: string): Promise<any> {
  return JSON.parse((await files(path)(name))!);
}

/** Files held in memory. */
export function memory(contents: Record<string, unknown>): ReadText {
  return async (name) => (name in contents ? (typeof contents[name] === 'string' ? contents[name] : JSON.stringify(contents[name])) : undefined);
}
