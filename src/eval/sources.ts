/** How the files of each benchmark become rows: a reader per data set, found by the group or name of a task. */
import { motion10Data } from '../tasks/motion10-task.ts';
import { benchmark, type Protocol, type Task } from '../tasks/index.ts';
import { parseJsonLines, readData, readTask, type TaskData } from './data.ts';
import { candidatesIn, findFile, placesOf, type DataSet } from './places.ts';

/** Reads a task's data below a root. @throws DATA, IO */
type Reader = (root: string, task: Task<unknown>) => Promise<TaskData>;

/** A data set with what a listing says of it. */
export type Source = DataSet & { read: Reader; /** Files below the folder, for the listing. */ files: string; questions: string };

const motion10: DataSet = { folder: motion10Data.folder };

export const sources: Readonly<Record<string, Source>> = {
  motion10: {
    ...motion10,
    files: `${motion10Data.labels} and its clips, as stave render writes them`,
    questions: 'as many as were rendered',
    async read(root, task) {
      const places = [...(await placesOf(root, motion10)), root]; // a rendered set may itself be the root
      const path = await findFile(root, motion10, places, [motion10Data.labels]);
      const { bytes, file } = await readData(root, path);
      return { task, source: path, ...readTask(task, path, parseJsonLines(bytes.toString(), path)), files: [file], locate: (video) => candidatesIn(places, motion10, video) };
    },
  },
};

/** The data set of a task. */
export const sourceOf = ({ group, name }: Pick<Task<unknown>, 'group' | 'name'>): Source => sources[group ?? name];

/** The tasks that names stand for, each once, in the order named. @throws USAGE */
export function tasksNamed(names: readonly string[], protocol: Protocol): Task<unknown>[] {
  const tasks = names.flatMap((name) => benchmark(name, protocol));
  return tasks.filter((task, i) => tasks.findIndex(({ name }) => name === task.name) === i);
}

/** @throws DATA, IO naming what is wrong with which file */
export async function readAll(root: string, tasks: readonly Task<unknown>[]): Promise<TaskData[]> {
  const data: TaskData[] = [];
  for (const task of tasks) data.push(await sourceOf(task).read(root, task));
  return data;
}
