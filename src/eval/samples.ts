/** The questions of a run, one by one, each with a name of its own: what is asked does not depend on order, sharding or what was asked before. */
import { createHash } from 'node:crypto';
import { StaveError } from '../errors.ts';
import type { TaskMessage, TaskQuestion } from '../tasks/index.ts';
import type { TaskData } from './data.ts';
import { modes, type Mode } from './modes.ts';

export type Sample = {
  data: TaskData;
  /** Place of the row in its file, from 0. */
  id: number;
  mode: Mode;
  /** See {@link keyOf}. */
  key: string;
  row: unknown;
  question: TaskQuestion;
  /** Of all that decides the answer besides the model: another question, protocol or setting, another hash. */
  hash: string;
  /** What is decided between, and its hash; in the mode `decide` alone. */
  choices?: { spellings: string[][]; hash: string };
};

/** The first `limit` rows of each task, in each mode; to be decided, those whose answers are known. */
export function samplesOf(data: readonly TaskData[], limit = Infinity, asked: readonly Mode[] = modes.slice(0, 1)): Sample[] {
  return data.flatMap((of) => of.rows.slice(0, limit).flatMap((row, id): Sample[] => {
    const { name: task, protocol, settings, deciding } = of.task;
    const question = of.task.ask(row);
    const hash = hashOf([protocol, settings, question.messages, question.target]);
    return asked.flatMap((mode): Sample[] => {
      const sample = { data: of, id, mode, key: keyOf({ task, id, mode }), row, question, hash };
      if (mode === 'generate') return [sample];
      const spellings = deciding?.choices(row);
      return spellings === undefined ? [] : [{ ...sample, choices: { spellings, hash: hashOf(spellings) } }];
    });
  }));
}

/** `<task>#<id>`, of a decision with `#decide` behind it. @param mode absent in ledgers: generate */
export const keyOf = ({ task, id, mode }: { task: string; id: number; mode?: Mode }): string => `${task}#${id}${mode === 'decide' ? '#decide' : ''}`;

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** A part of the work: number `index` of `count`, from 1. */
export type Shard = { index: number; count: number };

/** @throws USAGE for anything but `k/n` with k from 1 to n */
export function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(index >= 1 && index <= count)) throw new StaveError('USAGE', { what: `"${text}" is no shard`, fix: 'give its number and how many there are, for example 2/8 (from 1/8 to 8/8)' });
  return { index, count };
}

/** The questions on every n-th video, so that long and short tasks are spread over the shards, and a video is decoded by one of them. */
export function inShard(samples: readonly Sample[], shard: Shard | undefined): Sample[] {
  if (shard === undefined) return [...samples];
  const numbers = new Map<string, number>(); // of videos, by their first question
  return samples.filter((sample) => {
    const videos = videosKey(sample);
    const number = numbers.get(videos) ?? numbers.size;
    numbers.set(videos, number);
    return number % shard.count === shard.index - 1;
  });
}

/** Paths of the videos of a conversation, as the task names them. */
export function videosOf(messages: readonly TaskMessage[]): string[] {
  return messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'video' ? [part.video] : []))));
}

/** The same for questions on the same videos alone. */
export const videosKey = ({ question }: Sample): string => videosOf(question.messages).join('\n');

/** The words of the user's turns. */
export function promptOf(messages: readonly TaskMessage[]): string {
  return messages.filter(({ role }) => role === 'user').map(({ content }) => (typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join(''))).join('\n');
}

/** Where a sample stands, for messages. */
export const at = ({ data, id }: Pick<Sample, 'data' | 'id'>): string => `${data.task.name}, row ${id} of ${data.source}`;
