import type { Kind } from '../clips/index.ts';
import type { Fields } from '../models/fields.ts';
import { questionKinds, type QuestionKind } from '../tasks/index.ts';

/** What the batches of some updates hold where it is not what `data` and `batch` say: one thing at a time, in its simplest look, is found
 * in thousands of clips instead of hundreds of thousands. */
export type Lesson = {
  steps: number;
  /** What is asked; absent: everything. */
  kinds?: QuestionKind[];
  /** What the clips show: each draws one of these, so what stands there twice is shown twice as often. */
  scenes: Kind[];
  frames?: number;
  clips?: number;
  questions?: number;
  /** Area of a frame in pixels, [min, max]. */
  pixels?: [number, number];
  /** Share of clips in their simplest look, at the lesson's start and at its end. */
  plain: [number, number];
};

const kinds: readonly Kind[] = ['action', 'order', 'count', 'still', 'group'];
/** As often as makeScene draws them. */
export const everything: Kind[] = ['action', 'action', 'action', 'order', 'count'];
/** Areas that frames may have. */
export const AREA = { min: 784, max: 16_777_216 };

export function parseLesson(fields: Fields): Lesson {
  const lesson: Lesson = {
    steps: fields.integer('steps'),
    ...(fields.has('kinds') ? { kinds: fields.list('kinds', isOne(questionKinds), `some of ${questionKinds.join(', ')}`) } : {}),
    scenes: fields.list('scenes', isOne(kinds), `some of ${kinds.join(', ')}`, everything),
    ...(fields.has('frames') ? { frames: evenFrames(fields, 'frames') } : {}),
    ...(fields.has('clips') ? { clips: fields.integer('clips', undefined, { max: 4096 }) } : {}),
    ...(fields.has('questions') ? { questions: fields.integer('questions', undefined, { max: 32 }) } : {}),
    ...(fields.has('pixels') ? { pixels: fields.numbers('pixels', 2) as [number, number] } : {}),
    plain: fields.numbers('plain', 2, [0, 0]) as [number, number],
  };
  if (lesson.kinds?.length === 0) fields.refuse('kinds', undefined, 'give at least one kind of question, or leave it out to ask everything');
  if (lesson.scenes.length === 0) fields.refuse('scenes', undefined, `give some of ${kinds.join(', ')}`);
  if (lesson.pixels && !isAreaRange(lesson.pixels)) fields.refuse('pixels', undefined, `give two areas in pixels, [min, max], from ${AREA.min}`);
  if (!lesson.plain.every((share) => share >= 0 && share <= 1)) fields.refuse('plain', undefined, 'give two shares from 0 to 1, at the start and at the end');
  fields.done();
  return lesson;
}

/** The vision encoder takes frames in pairs. */
export function evenFrames(fields: Fields, name: string, fallback?: number): number {
  const frames = fields.integer(name, fallback, { min: 2, max: 256 });
  return frames % 2 === 0 ? frames : fields.refuse(name, 'the vision encoder takes frames in pairs', 'give an even number');
}

const isAreaRange = ([least, most]: [number, number]): boolean => Number.isInteger(least) && Number.isInteger(most) && least >= AREA.min && least <= most;

const isOne = <T extends string>(options: readonly T[]) => (v: unknown): v is T => options.includes(v as T);

/** The lesson that update `step` belongs to and how far it is, 0–1; undefined after the last one. */
export function lessonAt(lessons: readonly Lesson[], step: number): { lesson: Lesson; progress: number } | undefined {
  let start = 0;
  for (const lesson of lessons) {
    if (step < start + lesson.steps) return { lesson, progress: (step - start) / lesson.steps };
    start += lesson.steps;
  }
  return undefined;
}
