/** Motion-10 as a benchmark: the questions that `stave render` writes beside its clips, scored as in training. There is one protocol under both names. */
import { actionIds, actions } from '../clips/index.ts';
import { decidingWhereKnown } from './deciding.ts';
import { motion10Choices } from './motion10-choices.ts';
import { actionIn, isRight, type Motion10Record } from './motion10.ts';
import { strip } from './python/text.ts';
import { questionKinds } from './question.ts';
import { summarise } from './results.ts';
import { readRows } from './rows.ts';
import type { Protocol, Task, Verdict } from './task.ts';

export const motion10Data = { folder: 'motion10', labels: 'labels.jsonl' } as const;

/** Rows are lines of labels.jsonl. Frames and their size are as the model was made for: the answer is to tell what it can do, not what it does with others' settings. */
export function motion10(protocol: Protocol = 'paper'): Task<Motion10Record> {
  const task = { name: 'motion10', protocol, metric: 'accuracy' };
  return {
    ...task,
    settings: { generation: { max_new_tokens: 64, do_sample: false }, until: [], frames: { rule: 'model' }, temporal_scope: 'item' },
    read: (rows) => readRows(task.name, rows, (row) => {
      const read = { id: row.text('id'), video: row.file('video'), kind: row.oneOf('kind', questionKinds), question: row.text('question'), answer: row.text('answer') };
      if (read.kind === 'action' && actionIn(read.answer) === undefined) row.refuse('answer', `it names none of the actions ${Object.values(actions).join(', ')}`);
      return read;
    }, ['id', ({ id }) => id]),
    ask: ({ video, question, answer }) => ({
      messages: [{ role: 'user', content: [{ type: 'video', video: `${motion10Data.folder}/${video}` }, { type: 'text', text: question }] }],
      target: answer,
    }),
    score: scoreMotion10,
    deciding: decidingWhereKnown({ choices: ({ kind }) => motion10Choices(kind), score: scoreMotion10 }),
    result: (verdicts) => summarise(task, verdicts, { categories: { kind: questionKinds, action: actionIds } }),
  };
}

/** The action is a category of the questions that ask for it. */
function scoreMotion10(row: Motion10Record, output: string): Verdict {
  const answer = strip(output);
  const asksForAction = row.kind === 'action';
  const score = isRight(answer, row) ? 1 : 0;
  return {
    score,
    counted: true,
    chosen: asksForAction ? (actionIn(answer) ?? '') : answer,
    categories: { kind: row.kind, ...(asksForAction ? { action: actionIn(row.answer)! } : {}) },
    record: { prediction: answer, truth: row.answer, score },
  };
}
