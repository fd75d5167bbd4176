import type { Task } from '../../tasks/index.ts';
import type { TaskData } from '../data.ts';
import type { DataSet } from '../places.ts';

/** A benchmark's data set: where it lies, and how its files become a task's rows. */
export type Source = DataSet & {
  /** What must lie in the folder, for listings and errors. */
  files: readonly string[];
  /** Questions of the whole benchmark; absent: as many as were made. */
  questions?: number;
  /** Paths of its videos in the folder: one that no question names is unexpected. Absent: the folder holds many that are not asked about. */
  videos?: RegExp;
  /** @throws DATA, IO */
  read(root: string, task: Task<unknown>): Promise<TaskData>;
};
