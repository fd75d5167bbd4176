/** A look at the data before hours of work: what is missing, can't be read, or isn't expected. Nothing is changed, no model is loaded. */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { StaveError } from '../errors.ts';
import { benchmark, type Protocol, type Task } from '../tasks/index.ts';
import { frameTimes } from '../video/index.ts';
import { archivesAmong, isResourceFork } from './archives/find.ts';
import { fileOf, shows } from './ask.ts';
import type { TaskData } from './data.ts';
import { placesOf } from './places.ts';
import { samplesOf, videosOf, type Sample } from './samples.ts';
import { sourceOf, tasksNamed, type Source } from './sources/index.ts';
import { archived } from './unpack.ts';

export type TaskCheck = {
  task: string;
  rows: number;
  videos: number;
  /** What keeps the task from being run: rows, tables and subtitle files that aren't valid. */
  errors: string[];
  /** Videos that are nowhere. */
  missing: string[];
  /** Videos that are nowhere else, where archives lie in other archives: a run unpacks those too and may find them there. */
  unseen: { videos: string[]; /** Below the folder of the data set, as they will be unpacked. */ archives: string[] };
  /** Videos that can't be opened, or have too few frames. */
  unreadable: { video: string; why: string }[];
  /** Videos that are still in an archive; a run unpacks it. */
  archived: number;
  /** Videos that this protocol leaves out in silence. */
  notShown: number;
};

export type DataCheck = { tasks: TaskCheck[]; /** Videos in the folders of the data sets that no question names; looked for where a whole benchmark is checked. */ unexpected: string[]; /** Nothing is missing, unreadable or invalid, as far as could be seen. */ ok: boolean };

export type CheckOptions = { tasks: readonly string[]; data: string; protocol?: Protocol; limit?: number; signal?: AbortSignal; onProgress?: (progress: { task: string; done: number; total: number }) => void };

/** @throws USAGE for tasks that there are not; the signal's reason */
export async function checkData({ tasks: names, data: root, protocol = 'paper', limit, signal, onProgress }: CheckOptions): Promise<DataCheck> {
  const tasks = tasksNamed(names, protocol);
  const opened = new Map<string, string | undefined>(); // what is wrong with a file: several tasks may name it
  const checks: TaskCheck[] = [];
  const packed = new Map<Source['folder'], Promise<Set<string>>>(); // names in archives: several tasks share them
  const named = new Map<Source['folder'], Set<string>>();
  for (const task of tasks) {
    const found: TaskCheck = { task: task.name, rows: 0, videos: 0, errors: [], missing: [], unseen: { videos: [], archives: [] }, unreadable: [], archived: 0, notShown: 0 };
    checks.push(found);
    try {
      const source = sourceOf(task);
      const data = await source.read(root, task);
      found.rows = data.rows.length;
      const samples = samplesOf([data], limit);
      await checkRows(data, samples, found);
      const inArchives = packed.get(source.folder) ?? archived(root, source, signal);
      packed.set(source.folder, inArchives);
      const files = await checkVideos(root, source, data, samples, found, await inArchives, opened, (done, total) => onProgress?.({ task: task.name, done, total }), signal);
      named.set(source.folder, new Set([...(named.get(source.folder) ?? []), ...files]));
    } catch (error) {
      if (!(error instanceof StaveError) || signal?.aborted) throw error;
      found.errors.push(error.message);
    }
  }
  const unexpected = await strangers(root, tasks, checks, named, limit);
  return { tasks: checks, unexpected, ok: checks.every(({ errors, missing, unreadable }) => errors.length + missing.length + unreadable.length === 0) };
}

async function checkRows(data: TaskData, samples: readonly Sample[], found: TaskCheck): Promise<void> {
  for (const { row } of samples)
    await data.check?.(row).catch((error: unknown) => {
      if (!(error instanceof StaveError)) throw error;
      if (!found.errors.includes(error.message)) found.errors.push(error.message);
    });
}

/** @returns the files of the videos that there are */
async function checkVideos(root: string, source: Source, data: TaskData, samples: readonly Sample[], found: TaskCheck, inArchives: ReadonlySet<string>, opened: Map<string, string | undefined>, report: (done: number, total: number) => void, signal: AbortSignal | undefined): Promise<string[]> {
  const { task, locate } = data;
  const videos = [...new Set(samples.flatMap(({ question }) => videosOf(question.messages)))];
  const nested = [...archivesAmong(inArchives, source.pieces).keys()].toSorted();
  const files: string[] = [];
  found.videos = videos.length;
  for (const [done, video] of videos.entries()) {
    signal?.throwIfAborted();
    report(done, videos.length);
    const file = await fileOf(data, video);
    if (file === undefined) {
      if (locate(video).some((place) => inArchives.has(relative(join(root, source.folder), place)))) found.archived++;
      else (nested.length > 0 ? found.unseen.videos : found.missing).push(locate(video)[0] ?? video);
      continue;
    }
    files.push(file);
    if (!shows(task, file)) found.notShown++;
    if (!opened.has(file)) opened.set(file, await faultOf(file, signal));
    const why = opened.get(file);
    if (why !== undefined) found.unreadable.push({ video: file, why });
  }
  if (found.unseen.videos.length > 0) found.unseen.archives = nested;
  return files;
}

/** What a run would stumble over: told by the packets alone, no frame is decoded. */
async function faultOf(file: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const { frames } = await frameTimes(file, { signal });
    return frames < 2 ? `it has ${frames} frame${frames === 1 ? '' : 's'}` : undefined;
  } catch (error) {
    if (!(error instanceof StaveError) || signal?.aborted) throw error;
    return error.why === undefined ? error.what : `${error.what}: ${error.why}`;
  }
}

/** Videos that nobody asks about, in the folders of benchmarks that were read in full. */
async function strangers(root: string, tasks: readonly Task<unknown>[], checks: readonly TaskCheck[], named: ReadonlyMap<string, ReadonlySet<string>>, limit: number | undefined): Promise<string[]> {
  if (limit !== undefined || checks.some(({ errors }) => errors.length > 0)) return [];
  const whole = (task: Task<unknown>) => benchmark(task.group ?? task.name).every(({ name }) => tasks.some((other) => other.name === name));
  const found = new Set<string>();
  for (const source of new Set(tasks.filter(whole).map(sourceOf))) {
    if (source.videos === undefined) continue;
    for (const place of await placesOf(root, source))
      for (const name of await readdir(place, { recursive: true })) {
        const file = join(place, name);
        if (source.videos.test(name.replaceAll('\\', '/')) && !isResourceFork(name) && !named.get(source.folder)?.has(file)) found.add(file);
      }
  }
  return [...found].toSorted();
}
