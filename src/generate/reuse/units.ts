import type { MediaPlan } from '../media.ts';
import type { Prepared } from '../plan.ts';
import type { TemporalScope } from '../encoder.ts';
import { unknown, type Content } from './contents.ts';
import type { Reuse } from './reuse.ts';

/** Videos and images of a prompt, by number, that go through the encoder together. One is alone unless temporal attention joins it with others. */
export type Unit = { /** Equal keys, equal visual tokens. */ key: string; members: number[]; contents: Content[] };

/** All videos and images of a prompt. The key of one holds what it is, and all that decides its pixels: the frames chosen, their size, whether damage is let pass. The model is
 * the same for all that a Reuse keeps; so are its preprocessor files. */
export async function unitsOf({ plan: { media }, sources, mediaOptions: { read }, made: { temporal_scope } }: Prepared, { enabled, contents }: Reuse, signal: AbortSignal | undefined): Promise<Unit[]> {
  const found: Content[] = [];
  for (const { source } of sources) found.push(enabled ? await contents.of(source, signal) : unknown());
  const key = (i: number): string => {
    const { kind, path, frames, sizes } = media[i];
    return JSON.stringify([found[i].key, kind, path === null ? null : frames.map(({ index }) => index), sizes.input, read?.partial === true]);
  };
  return together(media, temporal_scope).map((members) => ({ members, key: JSON.stringify(members.map(key)), contents: members.map((i) => found[i]) }));
}

/** What each video or image's visual tokens are of, in the order of the prompt. */
export function mediaKeys(units: readonly Unit[]): string[] {
  const keys: string[] = [];
  for (const { key, members } of units) members.forEach((media, i) => (keys[media] = `${i} ${key}`));
  return keys;
}

/** Numbers of those that share a run: in the scope `all`, videos of one frame size, and likewise images; see encodeVisual. */
function together(media: readonly MediaPlan[], scope: TemporalScope): number[][] {
  const groups = new Map<string, number[]>();
  media.forEach(({ kind, grid: [, h, w] }, i) => {
    const name = scope === 'all' ? `${kind} ${h} ${w}` : String(i);
    groups.set(name, [...(groups.get(name) ?? []), i]);
  });
  return [...groups.values()];
}
