import { strip } from '../python/text.ts';
import type { Protocol } from '../task.ts';

/** An answer as the harness hands it to the scorer: cut before the first of the stop strings, white space at the ends removed.
 * `paper`: what begins with a blank line is empty. `strict`: stripped before the cut as well, so that it isn't.
 * @param until stop strings; empty ones are ignored  @param raw decoded without special tokens */
export function cutAnswer(raw: string, until: readonly string[], protocol: Protocol = 'paper'): string {
  const text = protocol === 'strict' ? strip(raw) : raw;
  const stops = until.filter((stop) => stop !== '' && text.includes(stop)).map((stop) => text.indexOf(stop));
  return strip(text.slice(0, Math.min(text.length, ...stops)));
}
