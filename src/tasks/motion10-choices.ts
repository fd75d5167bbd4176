/** The answers that a Motion-10 question can have, worded as `stave render` words them. */
import { actionIds, colorNames, MOST_TIMES, shapeNames } from '../clips/index.ts';
import type { QuestionKind } from './question.ts';
import { a, actionAnswer, sentence, times } from './words.ts';

const actionChoices = actionIds.map((action) => [actionAnswer(action)]);
const yesNo = ['Yes', 'No'].map(stopped);
const counts = Array.from({ length: MOST_TIMES + 1 }, (_, n) => [...stopped(times(n)), ...stopped(String(n))]);
const colors = colorNames.map((name) => stopped(sentence(name)));
const shapes = shapeNames.map((name) => [...stopped(sentence(a(name))), ...stopped(sentence(name))]);
const things = colorNames.flatMap((color) => shapeNames.map((shape) => stopped(`The ${color} ${shape}`)));

/** Spellings of each answer, the first as in the labels. undefined: a description can be anything. */
export function motion10Choices(kind: QuestionKind): string[][] | undefined {
  return { action: actionChoices, yesno: yesNo, order: things, count: counts, color: colors, shape: shapes, check: yesNo, describe: undefined, which: things }[kind];
}

/** With a full stop, as the labels have it, and without; in lower case too. */
function stopped(text: string): string[] {
  return [...new Set([`${text}.`, text, `${text.toLowerCase()}.`, text.toLowerCase()])];
}
