import { setImmediate } from 'node:timers/promises';

/** Does work in steps, letting others have the event loop after every few milliseconds. */
export async function pausing(steps: Iterable<void>): Promise<void> {
  let since = performance.now();
  for (const _ of steps) {
    if (performance.now() - since < 5) continue;
    await setImmediate();
    since = performance.now();
  }
}
