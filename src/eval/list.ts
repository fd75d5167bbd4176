/** What can be run, what has to lie where, and what others got. */
import { benchmark, benchmarkNames } from '../tasks/index.ts';
import { published } from './published.ts';
import { sources } from './sources/index.ts';

export type Listed = {
  name: string;
  tasks: string[];
  metric: string;
  /** Of the whole benchmark; null: as many as its files have. */
  questions: number | null;
  /** Below the root of the data. */
  folder: string;
  files: readonly string[];
  hub: string | null;
  /** Task or benchmark → model → percent. */
  published: Record<string, Readonly<Record<string, number>>>;
};

export function listBenchmarks(): Listed[] {
  return benchmarkNames.map((name): Listed => {
    const tasks = benchmark(name);
    const { folder, files, dataset, revision, questions } = sources[name];
    const known = [name, ...tasks.map((task) => task.name)].filter((task, i, all) => task in published && all.indexOf(task) === i);
    return {
      name, tasks: tasks.map((task) => task.name), metric: tasks[0].metric, questions: questions ?? null, folder, files,
      hub: dataset === undefined ? null : `${dataset}${revision === undefined ? '' : `, revision ${revision}`}`,
      published: Object.fromEntries(known.map((task) => [task, published[task]])),
    };
  });
}
