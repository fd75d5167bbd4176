/** Two ways to get an answer: in the model's own words, or by deciding between those that a question can have. */
import { StaveError } from '../errors.ts';
import type { TaskData } from './data.ts';

export const modes = ['generate', 'decide'] as const;
export type Mode = (typeof modes)[number];

/** What a run can be asked for. */
export const runModes = ['generate', 'decide', 'both'] as const;
export type RunMode = (typeof runModes)[number];

export const modesOf = (mode: RunMode): readonly Mode[] => (mode === 'both' ? modes : [mode]);

/** What a task's answers are called in files and tables: decided ones stand beside generated ones. */
export const labelOf = ({ task, mode }: { task: string; mode: Mode }): string => (mode === 'decide' ? `${task}_decide` : task);

/** @throws USAGE for a task whose answers aren't known beforehand, DATA where that holds for all its rows */
export function checkDecidable({ task, rows, source }: Pick<TaskData, 'task' | 'rows' | 'source'>): void {
  const fix = 'leave it out, or use the mode generate';
  const { deciding, name } = task;
  if (deciding === undefined) throw new StaveError('USAGE', { what: `${name} cannot be decided`, why: 'its answers are free: there is nothing to decide between', fix });
  if (rows.length > 0 && rows.every((row) => deciding.choices(row) === undefined)) throw new StaveError('DATA', { what: `${name}: no question of ${source} can be decided`, why: 'their answers are free, or none of the known ones', fix });
}
