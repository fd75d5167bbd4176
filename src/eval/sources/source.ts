import type { Task } from '../../tasks/index.ts';
import type { TaskData } from '../data.ts';
import type { DataSet } from '../places.ts';

/** A benchmark's data set: where it lies, and how its files become a task's rows. */
export type Source = DataSet & {
  /** What must lie in the folder, for listings and errors. */
  files: readonly string[];
  /** Questions of the whole benchmark; absent: as many as were made. */
  questions?: number;
  /** Patterns of paths in the folder where its videos are; others there are told by the check as unexpected. */
  videos: RegExp;
  /** @throws DATA, IO */
  read(root: string, task: Task<unknown>): Promise<TaskData>;
};
