/** Headers and times of the files that were looked at last: several questions on one video read its packets once, which takes a process of its own, and seconds for a long one. */
import { frameTimes, type Clip, type ReadOptions } from '../../video/index.ts';
import { stateOf } from './file-state.ts';

/** An hour at 30 frames a second has 0.9 MB of times. */
const MOST = 32;

const known = new Map<string, { state: string; clip: Clip }>();

/** As frameTimes, of the file as it is now; what comes is shared and must not be changed. */
export async function timelineOf(path: string, read: ReadOptions): Promise<Clip> {
  const { signal, ...how } = read;
  signal?.throwIfAborted(); // a kept one is there at once
  const key = JSON.stringify([path, how]);
  const before = await stateOf(path);
  const kept = known.get(key);
  if (kept !== undefined && kept.state === before?.text) return kept.clip;
  const clip = await frameTimes(path, read);
  known.delete(key);
  if (before?.settled && (await stateOf(path))?.text === before.text) known.set(key, { state: before.text, clip });
  if (known.size > MOST) known.delete(known.keys().next().value!);
  return clip;
}
