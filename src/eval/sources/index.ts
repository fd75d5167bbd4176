/** The data sets of all benchmarks, by the group or name of their tasks. */
import { StaveError } from '../../errors.ts';
import { benchmark, benchmarkNames, type Protocol, type Task } from '../../tasks/index.ts';
import type { TaskData } from '../data.ts';
import { motion10Source } from './motion10.ts';
import { mvbenchSource } from './mvbench.ts';
import type { Source } from './source.ts';
import { ssv2With174Source, t10Source, vsmSource } from './ssv2.ts';
import { videommeSource } from './videomme.ts';
import { vitatecsSource } from './vitatecs.ts';

export type { Source } from './source.ts';

export const sources: Readonly<Record<string, Source>> = {
  vitatecs: vitatecsSource,
  mvbench: mvbenchSource,
  videomme: videommeSource,
  videomme_w_subtitle: videommeSource,
  ssv2_t10: t10Source,
  ssv2_vsm: vsmSource,
  ssv2_174: ssv2With174Source,
  motion10: motion10Source,
};

/** The data set of a task. */
export const sourceOf = ({ group, name }: Pick<Task<unknown>, 'group' | 'name'>): Source => sources[group ?? name];

/** The tasks that names stand for, each once, in the order named. @throws USAGE */
export function tasksNamed(names: readonly string[], protocol: Protocol): Task<unknown>[] {
  if (names.length === 0) throw new StaveError('USAGE', { what: 'no task is named', fix: `name some of ${benchmarkNames.join(', ')}` });
  const tasks = names.flatMap((name) => benchmark(name, protocol));
  return tasks.filter((task, i) => tasks.findIndex(({ name }) => name === task.name) === i);
}

/** @throws DATA, IO naming what is wrong with which file */
export async function readAll(root: string, tasks: readonly Task<unknown>[]): Promise<TaskData[]> {
  const data: TaskData[] = [];
  for (const task of tasks) data.push(await sourceOf(task).read(root, task));
  return data;
}
