import type { Qwen2VLConfig } from '../../models/qwen2vl/index.ts';
import type { Parts } from '../device/parts.ts';
import type { Clock } from '../clock.ts';
import { encodeVisual } from '../encoder.ts';
import { readMedia } from '../media.ts';
import type { Prepared } from '../plan.ts';
import type { EncodedMedia, Reuse } from './reuse.ts';
import type { VisualItem } from '../visual-item.ts';
import { unlessAborted } from './turn.ts';
import type { Unit } from './units.ts';

/** Videos and images as patches, and what was wrong with their files. */
export type DecodedUnit = { items: VisualItem[]; damage: string[][] };

export type Encoding = {
  prepared: Prepared;
  /** What was decoded ahead, by the unit's key. */
  decoded: ((key: string) => Promise<DecodedUnit> | undefined) | undefined;
  vision: Promise<Parts>;
  config: Qwen2VLConfig;
  reuse: Reuse;
  clock: Clock;
  signal: AbortSignal | undefined;
};

/** Visual tokens of one unit: those that are kept; or that another question is just making; or decoded and encoded now. A unit always goes through the encoder by itself, so that
 * its tokens do not depend on what else is in the prompt, not in the last bit. */
export async function encodeUnit(unit: Unit, encoding: Encoding): Promise<{ encoded: EncodedMedia; reused: boolean }> {
  const { reuse, clock, signal } = encoding;
  for (;;) {
    const kept = reuse.encoded.get(unit.key);
    if (kept !== undefined) return { encoded: kept, reused: true };
    const waiting = reuse.underWay.get(unit.key);
    if (waiting === undefined) break;
    const shared = await unlessAborted(waiting, signal);
    clock.lap('vision');
    if (shared !== undefined) return { encoded: shared, reused: true };
  }
  let tell!: (encoded: EncodedMedia | undefined) => void;
  reuse.underWay.set(unit.key, new Promise((resolve) => (tell = resolve)));
  let sure: EncodedMedia | undefined;
  try {
    const encoded = await encode(unit, encoding);
    if ((await Promise.all(unit.contents.map((content) => content.unchanged()))).every(Boolean)) {
      sure = encoded;
      reuse.encoded.set(unit.key, encoded);
    }
    return { encoded, reused: false };
  } finally {
    reuse.underWay.delete(unit.key);
    tell(sure); // whoever waits does the work again if this failed: it may have been this question's own abort
  }
}

export async function decodeUnit({ members }: Unit, { plan, sources, mediaOptions }: Prepared): Promise<DecodedUnit> {
  const items: VisualItem[] = [];
  const damage: string[][] = [];
  for (const i of members) {
    const read = await readMedia(sources[i], plan.media[i], mediaOptions);
    items.push(read.item);
    damage.push(read.damage);
  }
  return { items, damage };
}

async function encode(unit: Unit, { prepared, decoded, vision, config, clock, signal }: Encoding): Promise<EncodedMedia> {
  const { plan, made } = prepared;
  const { members, key } = unit;
  const { items, damage } = await (decoded?.(key) ?? decodeUnit(unit, prepared));
  clock.lap('decode');
  const embeds = await encodeVisual(await unlessAborted(vision, signal), config, items, { scope: made.temporal_scope, transfer: true, signal });
  clock.lap('vision');
  let at = 0;
  const parts = members.map((i) => embeds.subarray(at, (at += plan.media[i].tokens * config.hidden_size)));
  return { bytes: embeds.byteLength, parts, damage };
}
