import { actionIds, actions, colorNames, opposite, shapeNames, type Action } from '../clips/index.ts';
import { questionKinds, type QuestionKind } from './question.ts';

/** One question about one clip; a line of a question file. */
export type Motion10Record = { id: string; video: string; kind: QuestionKind; question: string; answer: string };

/** The action an answer names: by its class name, whatever stands before it, letter case and brackets aside. */
export function actionIn(answer: string): Action | undefined {
  const said = plain(answer);
  // the longest name first, so that “disappearing” is not taken for “appearing”
  return actionIds.toSorted((a, b) => actions[b].length - actions[a].length).find((id) => said.includes(plain(actions[id])));
}

/** Whether an answer is right: equal up to letter case, articles and punctuation; an action by its name, a count by its number,
 * yes/no by its first word, colour and shape by the one name it holds. */
export function isRight(answer: string, { kind, answer: truth }: Pick<Motion10Record, 'kind' | 'answer'>): boolean {
  switch (kind) {
    case 'action':
      return actionIn(answer) !== undefined && actionIn(answer) === actionIn(truth);
    case 'yesno':
    case 'check':
      return plain(answer).split(' ')[0] === plain(truth).split(' ')[0];
    case 'count':
      return numberIn(answer) !== undefined && numberIn(answer) === numberIn(truth);
    case 'color':
      return same(named(answer, colorNames), named(truth, colorNames));
    case 'shape':
      return same(named(answer, shapeNames), named(truth, shapeNames));
    case 'order':
    case 'which':
      return same(named(answer, colorNames), named(truth, colorNames)) && same(named(answer, shapeNames), named(truth, shapeNames));
    case 'describe':
      return plain(answer) === plain(truth);
  }
}

/** Lower case, without articles, brackets and punctuation; other words for the same thing made one. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/<\|im_end\|>|<\|endoftext\|>/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/\b(the|an?)\b/g, ' ')
    .replace(/\bcolour/g, 'color')
    .replace(/\bgrey\b/g, 'gray')
    .replace(/\bcounter ?clockwise\b/g, 'anticlockwise')
    .replace(/\bplus( sign)?\b/g, 'cross')
    .replace(/\bellipse\b/g, 'oval')
    .replace(/\s+/g, ' ')
    .trim();
}

const named = (text: string, names: readonly string[]): string[] => names.filter((n) => ` ${plain(text)} `.includes(` ${n.toLowerCase()} `));
const same = (a: string[], b: string[]): boolean => a.length === 1 && b.length === 1 && a[0] === b[0];

const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const adverbs: Record<string, number> = { never: 0, none: 0, no: 0, once: 1, twice: 2, thrice: 3 };

/** The first number said, as digits or a word. */
function numberIn(text: string): number | undefined {
  for (const word of plain(text).split(' ')) {
    if (/^\d+$/.test(word)) return Number(word);
    if (words.includes(word)) return words.indexOf(word);
    if (word in adverbs) return adverbs[word];
  }
  return undefined;
}

export type Score = { total: number; right: number; accuracy: number };
export type Motion10Result = {
  overall: Score;
  kinds: Partial<Record<QuestionKind, Score>>;
  /** Of the action questions, by true class. */
  actions: Partial<Record<Action, Score>>;
  /** Of the action questions: how often the opposite action was named. */
  opposites: Score;
};

/** Accuracy overall, per kind and per class. */
export function score(answers: readonly { record: Motion10Record; answer: string }[]): Motion10Result {
  const rate = (list: readonly { record: Motion10Record; answer: string }[], good = right): Score => {
    const n = list.filter(good).length;
    return { total: list.length, right: n, accuracy: list.length === 0 ? 0 : n / list.length };
  };
  const ofAction = answers.filter(({ record }) => record.kind === 'action');
  const table = <K extends string>(keys: readonly K[], of: (key: K) => typeof ofAction): Partial<Record<K, Score>> =>
    Object.fromEntries(keys.map((k) => [k, rate(of(k))] as const).filter(([, s]) => s.total > 0)) as Partial<Record<K, Score>>;
  return {
    overall: rate(answers),
    kinds: table(questionKinds, (k) => answers.filter(({ record }) => record.kind === k)),
    actions: table(actionIds, (a) => ofAction.filter(({ record }) => actionIn(record.answer) === a)),
    opposites: rate(ofAction, ({ record, answer }) => actionIn(answer) === opposite[actionIn(record.answer)!]),
  };
}

const right = ({ record, answer }: { record: Motion10Record; answer: string }): boolean => isRight(answer, record);
