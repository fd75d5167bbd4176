import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isAbort, StaveError } from '../errors.ts';
import { locate, readAnswers, readQuestions, type BatchQuestion, type EarlierAnswer } from './batch-files.ts';
import type { QuestionOptions } from './plan.ts';
import { checkMadeAlike, settingsJson } from './same-answers.ts';
import type { VideoModel } from './video-model.ts';

export type BatchOptions = QuestionOptions & {
  onAnswer?: (progress: BatchProgress) => void;
};

export type BatchProgress = { /** Lines that have an answer or an error, earlier runs included. */ done: number; total: number; /** In this run. */ answered: number; /** Lines with an error, earlier runs included. */ failed: number };

export type BatchSummary = { total: number; /** Lines written now. */ answered: number; /** Lines that were there. */ skipped: number; /** Lines with an error. */ failed: number };

/** Questions under way at once: while the model works on one, the next one's clip is decoded. */
const AHEAD = 2;

/** Answers the questions of a JSONL file in their order. Each answer is a line of `out`, whole and on disk before the next: {id, video, question, …AnswerResult},
 * or {id, video, question, error: {code, what, why, fix}} where one failed. Ids that `out` holds already are not asked again; a line cut short by a crash is.
 * @throws DATA naming the line of a question that is not of that form, or of an answer that belongs to another question or was made by another model or with other settings; IO; RUNTIME when the engine has died; the signal's reason */
export async function answerBatch(model: VideoModel, file: string, out: string, { onAnswer, signal, ...options }: BatchOptions = {}): Promise<BatchSummary> {
  if (resolve(file) === resolve(out)) throw new StaveError('USAGE', { what: `questions and answers cannot both be in ${file}`, fix: 'choose another --out' });
  const questions = await readQuestions(file);
  const known = await readAnswers(out);
  const here = { model: model.info, settings: settingsJson({ ...model.settings(options), system: options.system ?? null }) };
  for (const question of questions) checkSame(question, known.get(String(question.id)), here, out);
  const left = questions.filter(({ id }) => !known.has(String(id)));
  const summary: BatchSummary = { total: questions.length, answered: 0, skipped: questions.length - left.length, failed: questions.filter(({ id }) => known.get(String(id))?.failed).length };
  await model.ready();
  const target = await openAnswers(out);
  const stop = new AbortController(); // ends what is under way when the batch ends early
  const ask = (question: BatchQuestion) => settled(answerLine(model, question, file, { ...options, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal }));
  const underWay = left.slice(0, AHEAD).map(ask);
  try {
    for (let i = 0; i < left.length; i++) {
      const { line, fatal } = await underWay.shift()!;
      if (line === undefined) throw fatal;
      if (i + AHEAD < left.length) underWay.push(ask(left[i + AHEAD]));
      await append(target, line, out);
      summary.answered++;
      if (line.error !== undefined) summary.failed++;
      onAnswer?.({ done: summary.skipped + summary.answered, total: summary.total, answered: summary.answered, failed: summary.failed });
    }
    return summary;
  } finally {
    stop.abort();
    await Promise.all(underWay);
    await target.close();
  }
}

type Line = BatchQuestion & { error?: { code: string; what: string; why?: string; fix?: string } };

/** An answer, or the error of this clip alone. @throws what concerns all: an abort, an engine that has died */
async function answerLine(model: VideoModel, { id, video, question }: BatchQuestion, file: string, options: BatchOptions): Promise<Line> {
  try {
    return { id, video, question, ...(await model.ask(await locate(video, file), question, options).result()) };
  } catch (error) {
    if (isAbort(error) || options.signal?.aborted) throw error;
    if (!(error instanceof StaveError) || error.code === 'RUNTIME') await model.ready();
    const { code, what, why, fix } = error instanceof StaveError ? error : { code: 'UNFORESEEN', what: (error as Error).message, why: (error as Error).stack, fix: undefined };
    return { id, video, question, error: { code, what, why, fix } };
  }
}

/** So that a promise may fail before anyone waits for it. */
function settled(answer: Promise<Line>): Promise<{ line?: Line; fatal?: unknown }> {
  return answer.then((line) => ({ line }), (fatal: unknown) => ({ fatal }));
}

/** An answer that is there must be this question's, and made as the others will be. @throws DATA */
function checkSame({ id, video, question }: BatchQuestion, answer: EarlierAnswer | undefined, here: NonNullable<EarlierAnswer['made']>, out: string): void {
  if (answer === undefined) return;
  const at = `${out}:${answer.line}`;
  if (answer.video !== video || answer.question !== question) throw new StaveError('DATA', { what: `${at} answers another question under the id "${id}"`, why: `"${answer.question}" about ${answer.video}`, fix: 'choose another --out' });
  if (answer.made !== null) checkMadeAlike(at, answer.made, here);
}

async function openAnswers(out: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(out), { recursive: true });
    return await open(out, 'a');
  } catch (cause) {
    throw new StaveError('IO', { what: `cannot write ${out}`, why: (cause as Error).message, fix: 'choose another --out', cause });
  }
}

async function append(target: FileHandle, line: Line, out: string): Promise<void> {
  try {
    await target.appendFile(`${JSON.stringify(line)}\n`);
    await target.datasync();
  } catch (cause) {
    throw new StaveError('IO', { what: `cannot write the answer of ${line.id} to ${out}`, why: (cause as Error).message, fix: 'make room and run the same command again: it goes on there', cause });
  }
}
