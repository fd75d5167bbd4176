/** Finished runs, read back from their folders. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { parseJson, parseJsonLines } from './data.ts';
import type { Entry } from './ledger.ts';
import type { Mode } from './modes.ts';
import type { EvalResult } from './score.ts';
import { samplesFile } from './write.ts';

export type Run = { folder: string; result: EvalResult };

/** What a run's files say of a question. */
export type Answered = Pick<Entry, 'id' | 'question' | 'prompt' | 'text' | 'answer' | 'finish_reason' | 'seen' | 'without' | 'tokens'> & {
  task: string;
  target: string;
  score: 0 | 1;
  counted: boolean;
  chosen: string;
  unmatched: boolean;
  categories: Record<string, string>;
  /** reply: null where none was a verdict. */
  judge?: { reply: string | null; calls: number };
  decision?: { mass: number; choices: { choice: string; probability: number }[] };
};

/** @throws DATA when the folder holds no finished run */
export async function openRun(folder: string): Promise<Run> {
  const file = join(folder, 'results.json');
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('DATA', { what: `${folder} holds no finished run`, why: cause.message, fix: 'give the --output of a stave eval that came to its end', cause });
  });
  const result = parseJson(text, file) as EvalResult;
  if (result.format !== 'stave eval 1') throw new StaveError('DATA', { what: `${file} is no result of stave eval`, why: `its format is ${JSON.stringify(result.format)}`, fix: 'give the --output of a stave eval' });
  return { folder, result };
}

/** A task's questions with their answers, by the number of the row. @throws DATA */
export async function readSamples({ folder }: Pick<Run, 'folder'>, asked: { task: string; mode: Mode }): Promise<Map<number, Answered>> {
  const file = join(folder, samplesFile(asked));
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('DATA', { what: `cannot read ${file}`, why: cause.message, fix: 'run the same stave eval again: it writes the file anew', cause });
  });
  return new Map((parseJsonLines(text, file) as Answered[]).map((answered) => [answered.id, answered]));
}
