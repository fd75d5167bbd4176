/** One process at a time: a file that says who has it. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { makeFolder } from './folder.ts';
import { writeError } from './write.ts';

type Holder = { pid: number; host: string; /** Tells a lock of this process from one of an earlier process with its number. */ id: string };

export type Lock = { release(): Promise<void>; [Symbol.asyncDispose](): Promise<void> };

/** Ids of the locks that this process has. */
const held = new Set<string>();

/** Milliseconds between two looks at a lock that somebody is just writing or removing, and how many looks. */
const PAUSE = 50, LOOKS = 60;

/** Takes a lock until `release`, or the process's end; from a process that is gone it is taken over.
 * @param inUse the error for a lock that another process has  @throws that error, IO */
export async function takeLock(file: string, inUse: (who: string) => Error): Promise<Lock> {
  const own: Holder = { pid: process.pid, host: hostname(), id: randomUUID() };
  held.add(own.id);
  try {
    await makeFolder(dirname(file)).catch((cause: unknown) => { throw writeError(dirname(file), cause); });
    for (let looks = 0; !(await create(file, JSON.stringify(own))); looks++) {
      const text = await readFile(file, 'utf8').catch(() => undefined);
      const holder = text === undefined ? undefined : parse(text);
      if (holder !== undefined && !isGone(holder)) throw inUse(`process ${holder.pid} on ${holder.host}`);
      if (looks === LOOKS) throw inUse('a process that cannot be told');
      const unwritten = holder === undefined && looks < LOOKS / 2; // its maker may be about to write into it
      if (text === undefined || unwritten || !(await removeStale(file, text))) await setTimeout(PAUSE);
    }
  } catch (error) {
    held.delete(own.id);
    throw error;
  }
  const remove = (): void => rmSync(file, { force: true });
  process.once('exit', remove); // a second Ctrl-C does not wait
  const release = async (): Promise<void> => {
    process.off('exit', remove);
    await rm(file, { force: true });
    held.delete(own.id);
  };
  return { release, [Symbol.asyncDispose]: release };
}

/** Whether a process has a lock: not when it is gone, however it ended; one of another machine counts as there. */
export async function isLocked(file: string): Promise<boolean> {
  const holder = parse(await readFile(file, 'utf8').catch(() => ''));
  return holder !== undefined && !isGone(holder);
}

/** @returns false when there is one already */
async function create(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeError(file, cause);
  }
}

/** Removes a lock that still says what was found stale. Two may find it so at once: they do this one after the other, lest the second remove the first one's new lock.
 * @returns false when somebody else is at it */
async function removeStale(file: string, text: string): Promise<boolean> {
  const guard = `${file}.removing`;
  if (!(await create(guard, ''))) return false;
  try {
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

/** undefined: not written yet, or nothing that we have written */
function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    return typeof holder?.pid === 'number' && typeof holder.host === 'string' && typeof holder.id === 'string' ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

/** Of another machine's processes nothing is known: they count as there. */
function isGone({ pid, host, id }: Holder): boolean {
  if (host !== hostname()) return false;
  if (pid === process.pid) return !held.has(id);
  try {
    process.kill(pid, 0); // asks only
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
