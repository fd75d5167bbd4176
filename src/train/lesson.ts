import { actionIds, type Action, type Kind } from '../clips/index.ts';
import type { Fields } from '../models/fields.ts';
import { questionKinds, type QuestionKind } from '../tasks/index.ts';

/** What a batch holds where it is not what `data` and `batch` say: one thing at a time, in its simplest look, is found in thousands of clips
 * instead of hundreds of thousands. */
export type Turn = {
  /** What is asked; absent: everything. */
  kinds?: QuestionKind[];
  /** What the clips show: each draws one of these, so what stands there twice is shown twice as often. */
  scenes: Kind[];
  /** Of clips that show an action: which ones; absent: all ten. */
  actions?: Action[];
  frames?: number;
  clips?: number;
  questions?: number;
  /** Area of a frame in pixels, [min, max]. */
  pixels?: [number, number];
  /** Share of clips in their simplest look, at the lesson's start and at its end. */
  plain: [number, number];
  /** How easy it is to see which way a thing turns, at the lesson's start and at its end; absent: as it comes. See clips/upright.ts. */
  upright?: [number, number];
};

/** Some updates and what they are about: one thing, or several by turns, so that the one is not forgotten over the other. */
export type Lesson = { steps: number; turns: [Turn, ...Turn[]] };

const kinds: readonly Kind[] = ['action', 'order', 'count', 'still', 'group'];
/** As often as makeScene draws them. */
export const everything: Kind[] = ['action', 'action', 'action', 'order', 'count'];
/** Areas that frames may have. */
export const AREA = { min: 784, max: 16_777_216 };

/** `{"steps": 300, …}`, or `{"steps": 300, "turns": [{…}, {…}]}`. */
export function parseLesson(fields: Fields): Lesson {
  const steps = fields.integer('steps');
  if (!fields.has('turns')) {
    const turn = parseTurn(fields);
    fields.done();
    return { steps, turns: [turn] };
  }
  fields.done();
  const [first, ...others] = fields.objects('turns').map((part) => {
    const turn = parseTurn(part);
    part.done();
    return turn;
  });
  return { steps, turns: [first ?? fields.refuse('turns', undefined, 'give at least one, or leave it out'), ...others] };
}

function parseTurn(fields: Fields): Turn {
  const turn: Turn = {
    ...(fields.has('kinds') ? { kinds: fields.list('kinds', isOne(questionKinds), `some of ${questionKinds.join(', ')}`) } : {}),
    scenes: fields.list('scenes', isOne(kinds), `some of ${kinds.join(', ')}`, everything),
    ...(fields.has('actions') ? { actions: fields.list('actions', isOne(actionIds), `some of ${actionIds.join(', ')}`) } : {}),
    ...(fields.has('frames') ? { frames: evenFrames(fields, 'frames') } : {}),
    ...(fields.has('clips') ? { clips: fields.integer('clips', undefined, { max: 4096 }) } : {}),
    ...(fields.has('questions') ? { questions: fields.integer('questions', undefined, { max: 32 }) } : {}),
    ...(fields.has('pixels') ? { pixels: fields.numbers('pixels', 2) as [number, number] } : {}),
    plain: fields.numbers('plain', 2, [0, 0]) as [number, number],
    ...(fields.has('upright') ? { upright: fields.numbers('upright', 2) as [number, number] } : {}),
  };
  if (turn.kinds?.length === 0) fields.objectTo('kinds', undefined, 'give at least one kind of question, or leave it out to ask everything');
  if (turn.actions?.length === 0) fields.objectTo('actions', undefined, 'give at least one, or leave it out for all ten');
  if (turn.scenes.length === 0) fields.objectTo('scenes', undefined, `give some of ${kinds.join(', ')}`);
  if (turn.pixels && !isAreaRange(turn.pixels)) fields.objectTo('pixels', undefined, `give two areas in pixels, [min, max], from ${AREA.min}`);
  for (const name of ['plain', 'upright'] as const) if (turn[name]?.some((share) => share < 0 || share > 1)) fields.objectTo(name, undefined, 'give two shares from 0 to 1, at the start and at the end');
  return turn;
}

/** The vision encoder takes frames in pairs. */
export function evenFrames(fields: Fields, name: string, fallback?: number): number {
  const frames = fields.integer(name, fallback, { min: 2, max: 256 });
  if (frames % 2 !== 0) fields.objectTo(name, 'the vision encoder takes frames in pairs', 'give an even number');
  return frames;
}

const isAreaRange = ([least, most]: [number, number]): boolean => Number.isInteger(least) && Number.isInteger(most) && least >= AREA.min && least <= most;

const isOne = <T extends string>(options: readonly T[]) => (v: unknown): v is T => options.includes(v as T);

/** What update `step` is about, and how far its lesson is, 0–1; undefined after the last one. */
export function turnAt(lessons: readonly Lesson[], step: number): { turn: Turn; progress: number } | undefined {
  let start = 0;
  for (const { steps, turns } of lessons) {
    if (step < start + steps) return { turn: turns[(step - start) % turns.length], progress: (step - start) / steps };
    start += steps;
  }
  return undefined;
}
