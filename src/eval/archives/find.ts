/** Archives in a folder, by their names: whole ones, and those that were cut into pieces because a server takes no larger files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive, Part } from './archive.ts';

/** `a.zip`, and its pieces `a.zip.001`, `a.zip.part1`, `a.zip.part-aa`, `a.zip.ab`. */
const archiveName = /^(.+\.zip)(?:\.(?:part[-_.]?[0-9a-z]{1,4}|[0-9]{2,4}|[a-z]{2}))?$/;

/** All archives in the folders and those within, by name. */
export async function archivesIn(folders: readonly string[]): Promise<Archive[]> {
  const found = new Map<string, { kind: Archive['kind']; paths: string[] }>();
  for (const folder of folders)
    for (const name of await readdir(folder, { recursive: true })) {
      const path = join(folder, name);
      const whole = archiveName.exec(path)?.[1];
      if (whole === undefined) continue;
      const paths = found.get(whole)?.paths ?? [];
      found.set(whole, { kind: 'zip', paths: [...paths, path] });
    }
  const archives = await Promise.all([...found].map(async ([name, { kind, paths }]): Promise<Archive> => {
    const parts = (await Promise.all(paths.toSorted(byNumber).map(partAt))).flat();
    const whole = parts.find(({ path }) => path === name); // somebody has put them together already
    return { name, kind, parts: whole === undefined ? parts : [whole] };
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
