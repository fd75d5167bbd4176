/** Archives in a folder, by their names: whole ones, and those that were cut into pieces because a server takes no larger files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive, Part } from './archive.ts';

/** `a.zip`, `a.tar`, `a.tar.gz`, `a.tgz`, …, and pieces: `a.zip.001`, `a.tar.part1`, `a.tar.gz.part-aa`, `a.zip.ab`. */
const archiveName = /^(.+\.(?:zip|tgz|tar(?:\.(?:gz|zst|xz|bz2))?))(?:\.(?:part[-_.]?[0-9a-z]{1,4}|[0-9]{2,4}|[a-z]{2}))?$/;

/** All archives in the folders and those within, by name. @param pieces names of pieces of tar archives that don't say so; the first group is what they have in common */
export async function archivesIn(folders: readonly string[], pieces?: RegExp): Promise<Archive[]> {
  const found = new Map<string, string[]>();
  for (const folder of folders)
    for (const name of await readdir(folder, { recursive: true })) {
      const of = (archiveName.exec(name) ?? pieces?.exec(name))?.[1];
      if (of === undefined) continue;
      const whole = join(folder, of);
      found.set(whole, [...(found.get(whole) ?? []), join(folder, name)]);
    }
  const archives = await Promise.all([...found].map(async ([name, paths]): Promise<Archive> => {
    const parts = (await Promise.all(paths.toSorted(byNumber).map(partAt))).flat();
    const whole = parts.find(({ path }) => path === name); // somebody has put them together already
    return { name, kind: name.endsWith('.zip') ? 'zip' : 'tar', parts: whole === undefined ? parts : [whole] };
  }));
  return archives.filter(({ parts }) => parts.length > 0).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** `part2` before `part10`. */
const byNumber = new Intl.Collator('en', { numeric: true }).compare;

/** None for a folder. */
async function partAt(path: string): Promise<Part[]> {
  const found = await stat(path);
  return found.isFile() ? [{ path, bytes: found.size, mtime: found.mtimeMs }] : [];
}
