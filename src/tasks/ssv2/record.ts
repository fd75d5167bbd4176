import { readRows, type Row } from '../rows.ts';
import type { TaskMessage, TaskPart } from '../task.ts';
import { answerPrefix } from './classes.ts';
import { videoFile } from './annotations.ts';

/** A sample as the authors' files hold it, for training and for tests: the user's turn and the answer to learn. Videos are file names. */
export type SampleRecord = [{ role: 'user'; content: TaskPart[] }, { role: 'assistant'; content: [{ type: 'text'; text: string }] }];

/** What action is happening: the record of T10 and of the 174 classes. @param template the class, with brackets where the data has them */
export function actionRecord({ id, template }: { id: string; template: string }): SampleRecord {
  return record(
    [
      { type: 'text', text: 'Look at the provided video and answer the question.' },
      { type: 'video', video: videoFile({ id }) },
      { type: 'text', text: 'What is the action happening in this video?' },
    ],
    `${answerPrefix} ${template}`,
  );
}

export function record(content: TaskPart[], answer: string): SampleRecord {
  return [{ role: 'user', content }, { role: 'assistant', content: [{ type: 'text', text: answer }] }];
}

export const answerOf = ([, { content: [{ text }] }]: SampleRecord): string => text;

export const videosOf = ([{ content }]: SampleRecord): string[] => content.flatMap((part) => (part.type === 'video' ? [part.video] : []));

/** The part of the conversation that a test shows. */
export const questionOf = ([user]: SampleRecord): TaskMessage[] => [user];

/** Reads a file of records. @param videos how many each holds; the last is the one asked about, and no two may ask about one  @throws DATA naming record and field */
export function readRecords(source: string, rows: readonly unknown[], videos: number): SampleRecord[] {
  return readRows(source, rows.map((turns) => ({ turns })), (row) => {
    const turns = row.list('turns');
    if (turns.length !== 2) row.refuse('turns', 'a record is the user\'s turn and the answer');
    const [user, assistant] = turns.map((turn, i) => parts(row, turn, i === 0 ? 'user' : 'assistant'));
    const [answer, ...more] = assistant;
    if (answer?.type !== 'text' || more.length > 0) return row.refuse('turns', 'the answer is one text');
    const read = record(user, answer.text);
    if (videosOf(read).length !== videos) row.refuse('turns', `${videos} ${videos === 1 ? 'video is' : 'videos are'} needed`);
    return read;
  }, ['turns', (read) => videosOf(read).at(-1)!]);
}

function parts(row: Row, turn: unknown, role: string): TaskPart[] {
  const { role: said, content } = (turn ?? {}) as { role?: unknown; content?: unknown };
  if (said !== role) row.refuse('turns', `the role ${role} is needed, not ${JSON.stringify(said)}`);
  if (!Array.isArray(content)) return row.refuse('turns', 'content is a list of parts');
  return content.map((part): TaskPart => {
    const { type, text, video } = (part ?? {}) as { type?: unknown; text?: unknown; video?: unknown };
    if (type === 'text' && typeof text === 'string') return { type, text };
    if (type === 'video' && typeof video === 'string') return { type, video };
    return row.refuse('turns', 'a part is {"type": "text", "text": …} or {"type": "video", "video": …}');
  });
}
