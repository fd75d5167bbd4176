import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { takeLock, type Lock } from '../files/lock.ts';

/** Takes a run's folder for this process until `release`, or the process's end: `run.lock` there says who has it. @throws TRAIN naming the process that has it, IO */
export async function lockRun(out: string): Promise<Lock> {
  const file = join(out, 'run.lock');
  return await takeLock(file, (who) => new StaveError('TRAIN', { what: `${out} is in use by ${who}`, why: 'two runs in one folder would write over each other', fix: `wait for it or stop it, or give another "out"; if it is no run any more, remove ${file}` }));
}
