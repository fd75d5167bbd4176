/** What is asked of a Motion-10 clip: `yesno` of its action or order, `color` and `shape` as a control that needs no time, `check` yes/no of
 * actions and looks in everyday words; `which` of still pictures alone, for training. */
export const questionKinds = ['action', 'yesno', 'order', 'count', 'color', 'shape', 'describe', 'check', 'which'] as const;
export type QuestionKind = (typeof questionKinds)[number];
export type Question = { kind: QuestionKind; question: string; answer: string };
