import { stat } from 'node:fs/promises';

/** Younger changes may share their time with the next one: clocks of file systems are coarse. Milliseconds. */
const SETTLED = 3000;

/** What changes when a file does: device, inode, size, times of modification and of the change of status (which no program can set back). settled: the times can be relied on.
 * @returns undefined where there is no regular file */
export async function stateOf(path: string): Promise<{ text: string; settled: boolean } | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = found;
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(' '), settled: Date.now() - Number(ctimeMs) > SETTLED };
}
