import { access, open, readFile, truncate } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { isAbort, StaveError } from '../errors.ts';
import type { AskOptions } from './plan.ts';
import type { VideoModel } from './video-model.ts';

/** A line of the questions file. */
export type BatchQuestion = { id: string | number; video: string; question: string };

export type BatchOptions = AskOptions & {
  system?: string;
  onAnswer?: (progress: BatchProgress) => void;
};

export type BatchProgress = { /** Lines that have an answer or an error, earlier runs included. */ done: number; total: number; /** In this run. */ answered: number; failed: number };

export type BatchSummary = { total: number; answered: number; skipped: number; failed: number };

/** Answers the questions of a JSONL file. Each answer is a line of `out`, on disk before the next question starts: {id, video, question, …AnswerResult},
 * or {id, video, question, error: {code, what, why, fix}} where one failed. Ids that `out` holds already are not asked again; a line cut short by a crash is.
 * @throws DATA naming the line of a question that is not of that form, or of an answer that belongs to other questions; IO; the signal's reason */
export async function answerBatch(model: VideoModel, file: string, out: string, { onAnswer, system, ...options }: BatchOptions = {}): Promise<BatchSummary> {
  const questions = parseQuestions(await readText(file), file);
  const known = await finished(out);
  const summary: BatchSummary = { total: questions.length, answered: 0, skipped: 0, failed: 0 };
  const target = await open(out, 'a').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot write ${out}`, why: cause.message, fix: 'choose another --out', cause });
  });
  try {
    for (const { id, video, question } of questions) {
      if (known.has(String(id))) {
        summary.skipped++;
        continue;
      }
      options.signal?.throwIfAborted();
      const line: Record<string, unknown> = { id, video, question };
      try {
        Object.assign(line, await model.ask(await locate(video, file), question, { ...options, system }).result());
      } catch (error) {
        if (!(error instanceof StaveError) || isAbort(error) || options.signal?.aborted) throw error;
        summary.failed++;
        line.error = { code: error.code, what: error.what, why: error.why, fix: error.fix };
      }
      await target.appendFile(`${JSON.stringify(line)}\n`).catch((cause: Error) => {
        throw new StaveError('IO', { what: `cannot write the answer of ${id} to ${out}`, why: cause.message, fix: 'make room and run the same command again: it goes on there', cause });
      });
      await target.datasync();
      summary.answered++;
      onAnswer?.({ done: summary.skipped + summary.answered, total: summary.total, answered: summary.answered, failed: summary.failed });
    }
    return summary;
  } finally {
    await target.close();
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read the questions file ${file}`, why: cause.message, cause });
  });
}

function parseQuestions(text: string, file: string): BatchQuestion[] {
  const seen = new Map<string, number>();
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const at = `${file}:${i + 1}`;
    const fix = 'each line is {"id": "…", "video": "path", "question": "…"}';
    let json: Partial<BatchQuestion> | null;
    try {
      json = JSON.parse(line) as Partial<BatchQuestion> | null;
    } catch (cause) {
      throw new StaveError('DATA', { what: `${at} is not JSON`, why: (cause as Error).message, fix });
    }
    for (const key of ['id', 'video', 'question'] as const) {
      const value = json?.[key];
      if (!(typeof value === 'string' || (key === 'id' && typeof value === 'number'))) throw new StaveError('DATA', { what: `${at}: "${key}" is ${value === undefined ? 'missing' : JSON.stringify(value)}`, fix });
    }
    const question = json as BatchQuestion;
    const before = seen.get(String(question.id));
    if (before !== undefined) throw new StaveError('DATA', { what: `${at}: the id "${question.id}" stands in line ${before} too`, fix: 'give every question an id of its own' });
    seen.set(String(question.id), i + 1);
    return [question];
  });
}

/** Ids answered by an earlier run. The end of a line that was being written when the process died is cut off. */
async function finished(out: string): Promise<Set<string>> {
  let text: string;
  try {
    text = await readFile(out, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw new StaveError('IO', { what: `cannot read ${out}`, why: (cause as Error).message, cause });
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const ids = whole.split('\n').flatMap((line, i) => {
    if (line === '') return [];
    try {
      return [String((JSON.parse(line) as { id: unknown }).id)];
    } catch (cause) {
      throw new StaveError('DATA', { what: `${out}:${i + 1} is not an answer of an earlier run`, why: (cause as Error).message, fix: 'choose another --out' });
    }
  });
  if (whole.length < text.length) await truncate(out, Buffer.byteLength(whole));
  return new Set(ids);
}

/** A relative path counts from the questions file's folder; where nothing is there, from the working directory. */
async function locate(video: string, file: string): Promise<string> {
  if (isAbsolute(video)) return video;
  const beside = resolve(dirname(file), video);
  return access(beside).then(() => beside, () => access(resolve(video)).then(() => resolve(video), () => beside));
}
