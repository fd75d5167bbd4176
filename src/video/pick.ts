import type { Frame as AVFrame } from 'node-av/lib';
import type { FrameSource } from './frames.ts';
import type { Scan } from './scan.ts';

/** A decoded frame with its number and time; the AVFrame is valid until the next one is asked for. */
export type Numbered = { index: number; time: number; frame: AVFrame };

/** Seeking flushes the decoder and starts at a keyframe: not worth it to skip fewer frames than this. */
const worthSeeking = 12;

/** Every frame of a file, numbered as it comes. `undefined` between frames: time to breathe. */
export function* allFrames(source: FrameSource, tick: number): Generator<Numbered | undefined> {
  let index = 0;
  let last = -1;
  for (let frame = source.next(); frame !== null; frame = source.next()) {
    if (!frame) { yield undefined; continue; }
    last = source.ticksOf(frame) ?? last + 1;
    yield { index: index++, time: last * tick, frame };
  }
}

/** What came of {@link pickedFrames}: numbers of frames the decoder could not make; or, after a jump that went wrong, the first pick to ask for again. */
export type Outcome = { missing: number[]; lostFrom?: number };

/** The frames whose numbers are in `picks` (ascending), found by their times in the scan.
 * @param canSeek jump to keyframes over frames nobody asked for */
export function* pickedFrames(source: FrameSource, tick: number, picks: readonly number[], scan: Scan, canSeek: boolean): Generator<Numbered | undefined, Outcome> {
  const missing: number[] = [];
  let reached = -1; // the highest frame the decoder has given
  let jumped = false;
  let at = 0;
  while (at < picks.length) {
    const key = canSeek ? lastKey(scan, scan.ticks[picks[at]]) : undefined;
    const entry = key ? find(scan.ticks, key.shown) : -1;
    if (key && entry - reached > worthSeeking && source.seek(key.decoded)) {
      jumped = true;
      reached = entry - 1;
    }
    let index = -1;
    let frame: AVFrame | null | undefined;
    while (index < picks[at]) { // frames before the pick, and frames that the packets did not tell of (−1)
      frame = source.next();
      if (frame === null) break;
      if (!frame) { yield undefined; continue; }
      const ticks = source.ticksOf(frame);
      index = ticks === undefined ? -1 : find(scan.ticks, ticks);
      if (index < picks[at]) yield undefined;
    }
    if (jumped && (!frame || index > picks[at])) return { missing, lostFrom: at };
    if (!frame) return { missing: [...missing, ...picks.slice(at)] };
    reached = index;
    while (picks[at] < index) missing.push(picks[at++]);
    if (picks[at] === index) {
      at++;
      yield { index, time: scan.ticks[index] * tick, frame };
    }
  }
  return { missing };
}

function lastKey({ keys }: Scan, ticks: number): Scan['keys'][number] | undefined {
  let low = 0, high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle].shown <= ticks) low = middle + 1;
    else high = middle;
  }
  return keys[low - 1];
}

/** Position of `value` in an ascending array, or −1. */
function find(sorted: Float64Array, value: number): number {
  let low = 0, high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] === value) return middle;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
