/** Where a data set lies below the root that is given: as it was copied or unpacked there, or in a cache of the Hugging Face Hub. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { StaveError } from '../errors.ts';
import { firstFile } from '../files/look.ts';
import { findSnapshot, placeOf } from '../hub/cache.ts';

/** How a data set is called: by its tasks (the first part of the paths that they name) and on the Hub. */
export type DataSet = { folder: string; dataset?: string; /** Branch or tag on the Hub; absent: main. */ revision?: string; /** See archivesIn(). */ pieces?: RegExp };

/** The folders that may hold the data set, the likeliest first; none when there is none. */
export async function placesOf(root: string, { folder, dataset, revision = 'main' }: DataSet): Promise<string[]> {
  const named = dataset === undefined ? [] : [dataset, basename(dataset)];
  const cached = dataset === undefined ? [] : ['hub', '.'].map((cache) => placeOf(join(root, cache), dataset, 'datasets'));
  const snapshots = await Promise.all(cached.map((where) => findSnapshot(where, revision, { orOnly: true })));
  const candidates = [...[folder, ...named].map((name) => join(root, name)), ...snapshots.filter((path) => path !== undefined)];
  const there = await Promise.all(candidates.map(isFolder));
  return candidates.filter((_, i) => there[i]);
}

const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false);

/** Where the file of a task's path (`<folder>/rest`) may lie. */
export function candidatesIn(places: readonly string[], { folder }: DataSet, path: string): string[] {
  const rest = relative(folder, path);
  return places.map((place) => join(place, rest));
}

/** The first of the names that is a file in one of the places. @throws DATA saying where it was looked for */
export async function findFile(root: string, set: DataSet, places: readonly string[], names: readonly string[]): Promise<string> {
  const found = await firstFile(places.flatMap((place) => names.map((name) => join(place, name))));
  if (found !== undefined) return found;
  throw notThere(root, set, places, names[0]);
}

/** The files of a folder whose names fit, in their order; of the first place that has any. @param example one of them, for messages  @throws DATA */
export async function findFiles(root: string, set: DataSet, places: readonly string[], folder: string, fits: RegExp, example: string): Promise<string[]> {
  for (const place of places) {
    const names = (await readdir(join(place, folder)).catch(() => [])).filter((name) => fits.test(name)).toSorted();
    if (names.length > 0) return names.map((name) => join(place, folder, name));
  }
  throw notThere(root, set, places, join(folder, example));
}

function notThere(root: string, set: DataSet, places: readonly string[], name: string): StaveError {
  const wanted = join(root, set.folder, name);
  const fix = set.dataset === undefined ? 'check --data, the root of all data sets' : `put the data set ${set.dataset}${set.revision === undefined ? '' : ` (revision ${set.revision})`} there, or check --data, the root of all data sets`;
  return new StaveError('DATA', { what: `there is no ${wanted}`, why: places.length === 0 ? `none of the folders where it could lie exists below ${root}` : `looked in ${places.join(', ')}`, fix });
}
