import { StaveError } from '../errors.ts';
import { actionIds, actions, makeScene, random, type Action, type Scene, type SceneOptions } from '../clips/index.ts';
import { questions } from './questions.ts';
import type { Motion10Record } from './motion10.ts';

/** What a clip can be made to show: one of the ten actions, or a scene for the order or count questions. */
export const clipClasses = [...actionIds, 'order', 'blink', 'bounce'] as const;
export type ClipClass = (typeof clipClasses)[number];

/** A set of clips, all of it a function of these. */
export type ClipSet = { seed: string | number; /** Only these; absent: all, balanced. */ classes?: readonly ClipClass[] };

/** A class by its id or its name as in Something-Something V2, whatever the letter case; `action` and `count` stand for all of theirs.
 * @throws USAGE for anything else */
export function parseClipClass(text: string): ClipClass[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === 'action') return [...actionIds];
  if (wanted === 'count') return ['blink', 'bounce'];
  const found = clipClasses.find((c) => c === wanted || (c in actions && actions[c as Action].toLowerCase() === wanted));
  if (!found) throw new StaveError('USAGE', { what: `"${text}" is not a class of clips`, fix: `use one of ${['action', 'count', ...clipClasses].join(', ')}` });
  return [found];
}

/** In every 16 clips of a full set: each action once, order three times, blinking or bouncing three times. */
const block: readonly ClipClass[] = [...actionIds, 'order', 'order', 'order', 'blink', 'bounce'];

/** The class of clip `index`: every class as often as its share asks, shuffled block by block. */
function classAt({ seed, classes }: ClipSet, index: number): ClipClass {
  const extra = random(seed, 'extra', Math.floor(index / 16)).pick(['blink', 'bounce'] as const);
  const list = classes ?? [...block, extra];
  return random(seed, 'classes', Math.floor(index / list.length)).shuffle(list)[index % list.length];
}

export type SetClip = { id: string; video: string; class: ClipClass; scene: Scene; codec: 'h264' | 'vp9'; quality: number };

/** Clip `index` of a set: its scene and how it is encoded (three of four h264 in mp4, the rest vp9 in webm, unless a codec is asked for). */
export function setClip(set: ClipSet, index: number, codec?: 'h264' | 'vp9'): SetClip {
  const name = classAt(set, index);
  const options: SceneOptions = name === 'order' ? { kind: 'order' } : name === 'blink' || name === 'bounce' ? { count: name } : { action: name };
  const r = random(set.seed, 'file', index);
  const drawn = r.chance(0.75) ? 'h264' : 'vp9';
  const used = codec ?? drawn;
  const id = `clip-${String(index).padStart(5, '0')}`;
  return { id, video: `${id}.${used === 'h264' ? 'mp4' : 'webm'}`, class: name, scene: makeScene(`${set.seed}/set/${index}`, options), codec: used, quality: Math.round(used === 'h264' ? r.range(16, 30) : r.range(24, 42)) };
}

/** A record for every question about a clip; ids are `<clip>-<kind>`, with a number where a kind comes twice. */
export function recordsOf({ id, video, scene }: SetClip): Motion10Record[] {
  const seen = new Map<string, number>();
  return questions(scene).map(({ kind, question, answer }) => {
    const n = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, n);
    return { id: `${id}-${kind}${n > 1 ? `-${n}` : ''}`, video, kind, question, answer };
  });
}
