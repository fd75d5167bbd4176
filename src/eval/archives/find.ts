/** Archives in a folder, by their names: whole ones, and those that were cut into pieces because a server takes no larger files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive, Part } from './archive.ts';

/** `a.zip`, `a.tar`, `a.tar.gz`, `a.tgz`, …, and pieces, numbered or with letters: `a.zip.001`, `a.tar.part1`, `a.tar.gz.part-aa`, `a.zip.ab`. */
const archiveName = /^(.+\.(?:zip|tgz|tar(?:\.(?:gz|zst|xz|bz2))?))(?:\.(?:part[-_.]?([0-9]{1,4}|[a-z]{1,3})|([0-9]{2,4}|[a-z]{2})))?$/;

/** What macOS puts beside files for its own use, also into archives that it makes. */
export const isResourceFork = (name: string): boolean => /(?:^|[/\\])(?:\._|__MACOSX(?:[/\\]|$))/.test(name);

type Named = { name: string; /** What numbers it; undefined: it is whole. */ piece: string | undefined };

/** The names that are archives or pieces of some: archive → its files, in no order. @param pieces names of pieces of tar archives that don't say so; the first group is what they have in common */
export function archivesAmong(names: Iterable<string>, pieces?: RegExp): Map<string, string[]> {
  const found = new Map<string, Named[]>();
  for (const name of names) {
    if (isResourceFork(name)) continue;
    const [, archive, ...piece] = archiveName.exec(name) ?? pieces?.exec(name) ?? [];
    if (archive !== undefined) found.set(archive, [...(found.get(archive) ?? []), { name, piece: piece.find((text) => text !== undefined) }]);
  }
  return new Map([...found].map(([archive, all]) => [archive, realPieces(all)] as const).filter(([, files]) => files.length > 0));
}

/** Letters number pieces only if there is a first one, `aa`: `a.zip.md` and `a.zip.partial` are something else. */
function realPieces(all: readonly Named[]): string[] {
  const lettered = all.some(({ piece = '' }) => /^a+$/.test(piece));
  return all.filter(({ piece = '' }) => lettered || !/^[a-z]+$/.test(piece)).map(({ name }) => name);
}

/** All archives in the folders and those within, by name. @param pieces see archivesAmong() */
export async function archivesIn(folders: readonly string[], pieces?: RegExp): Promise<Archive[]> {
  const found: [name: string, paths: string[]][] = [];
  for (const folder of folders)
    for (const [archive, names] of archivesAmong(await readdir(folder, { recursive: true }), pieces)) found.push([join(folder, archive), names.map((name) => join(folder, name))]);
  const archives = await Promise.all(found.map(async ([name, paths]): Promise<Archive> => {
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
