import { dirname, resolve } from 'node:path';
import { isAbort, StaveError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { JsonLines } from '../files/json-lines.ts';
import { takeLock } from '../files/lock.ts';
import { writeError } from '../files/write.ts';
import { Ahead, aheadLimit, type Upcoming } from './ahead.ts';
import type { AnswerResult } from './answer.ts';
import { findVideo, readAnswers, readQuestions, type BatchQuestion, type EarlierAnswer } from './batch-files.ts';
import { asking, deciding } from './batch-way.ts';
import type { Choices } from './decide/choices.ts';
import type { DecideOptions, Decision } from './decide/decide.ts';
import { availableMemory } from './machine.ts';
import { byTurns } from './in-order.ts';
import { question } from './messages.ts';
import type { QuestionOptions } from './plan.ts';
import type { Opened } from './prefill.ts';
import { checkMadeAlike } from './same-answers.ts';
import type { VideoModel } from './video-model.ts';

type Batching = {
  /** Bytes of decoded clips that may wait for the model. 0: nothing is decoded ahead. Default: 64 MB, at most a sixteenth of the memory. */
  ahead?: number;
  onAnswer?: (progress: BatchProgress) => void;
};

/** With `choices` each question is decided between them, as VideoModel.decide() does; else answered in words. */
export type BatchOptions = (QuestionOptions & { choices?: undefined } | DecideOptions & { choices: Choices }) & Batching;

export type BatchProgress = { /** Lines that have an answer or an error, earlier runs included. */ done: number; total: number; /** In this run. */ answered: number; /** Lines with an error, earlier runs included. */ failed: number };

export type BatchSummary = {
  total: number;
  /** Lines written now. */
  answered: number;
  /** Lines that were there. */
  skipped: number;
  /** Lines with an error. */
  failed: number;
  /** Of this run; null where nothing was left to answer. */
  throughput: Throughput | null;
};

export type Throughput = {
  /** From the first question's start to the last answer. */
  seconds: number;
  questions_per_second: number;
  /** Frames decoded and encoded; those of a clip that several questions share count once. */
  frames_per_second: number;
  /** Share of the time in which the engine had work, 0 to 1. */
  model_busy: number;
};

/** Questions under way at once: while the model writes one answer, the next one's clip is encoded. Its prompt is not read before that answer is on disk: a kill costs the one in flight. */
const TOGETHER = 2;

/** Answers the questions of a JSONL file in their order. Each answer is a line of `out`, whole and on disk before the next: {id, video, question, …AnswerResult} (or …Decision),
 * or {id, video, question, error: {code, what, why, fix}} where one failed. Ids that `out` holds already are not asked again; a line cut short by a crash is. Clips of
 * questions to come are decoded while the model works.
 * @throws USAGE; DATA naming the line of a question that is not of that form, or of an answer that belongs to another question or was made by another model or with other settings; IO, also while another process writes `out`; RUNTIME when the engine has died; the signal's reason */
export async function answerBatch(model: VideoModel, file: string, out: string, { ahead, onAnswer, signal, ...options }: BatchOptions = {}): Promise<BatchSummary> {
  if (resolve(file) === resolve(out)) throw new StaveError('USAGE', { what: `questions and answers cannot both be in ${file}`, fix: 'choose another --out' });
  const bytes = aheadLimit(ahead);
  const limits = { ...options.limits, memory: options.limits?.memory ?? availableMemory() - bytes };
  const way = options.choices === undefined ? asking(model.loaded, { ...options, limits }) : deciding(model.loaded, options.choices, { ...options, limits });
  const questions = await readQuestions(file);
  await makeFolder(dirname(out)).catch((cause: unknown) => { throw writeError(out, cause); });
  await using _ = await takeLock(`${out}.lock`, (who) => new StaveError('IO', { what: `another batch writes ${out}`, why: who, fix: 'wait for its end, or choose another --out' }));
  const known = await readAnswers(out);
  for (const question of questions) checkSame(question, known.get(String(question.id)), { model: model.info, settings: way.settings }, out);
  const left = questions.filter(({ id }) => !known.has(String(id)));
  const summary: BatchSummary = { total: questions.length, answered: 0, skipped: questions.length - left.length, failed: questions.filter(({ id }) => known.get(String(id))?.failed).length, throughput: null };
  await model.ready();
  await using answers = await JsonLines.open(out);
  const stop = new AbortController(); // ends what is under way when the batch ends early
  const ending = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const upcoming = new Ahead(left, async ({ video, question: text }) => way.open(question(await findVideo(video, file), text, options.system), ending), { bytes, reuse: model.loaded.reuse, signal: ending });
  const make = async (_: BatchQuestion, turn: Promise<unknown>): Promise<Line> => answerLine(model, (await upcoming.next())!, (opened) => way.answer(opened, turn, ending), ending);
  const began = performance.now(), busy = model.busy;
  let frames = 0;
  for await (const line of byTurns(left, TOGETHER, make, stop)) {
    await answers.append(line);
    summary.answered++;
    if (line.error !== undefined) summary.failed++;
    else if (line.reused!.visual_tokens < line.visual_tokens!) frames += line.frames!.length;
    onAnswer?.({ done: summary.skipped + summary.answered, total: summary.total, answered: summary.answered, failed: summary.failed });
  }
  const seconds = (performance.now() - began) / 1000;
  if (left.length > 0) summary.throughput = { seconds, questions_per_second: summary.answered / seconds, frames_per_second: frames / seconds, model_busy: Math.min(1, (model.busy - busy) / seconds) };
  return summary;
}

type Line = BatchQuestion & Partial<AnswerResult | Decision> & { error?: { code: string; what: string; why?: string; fix?: string } };

/** An answer, or the error of this clip alone. @throws what concerns all: an abort, an engine that has died */
async function answerLine(model: VideoModel, { question: { id, video, question }, opened, done }: Upcoming<BatchQuestion>, answer: (opened: Opened) => Promise<AnswerResult | Decision>, signal: AbortSignal): Promise<Line> {
  try {
    return { id, video, question, ...(await answer(await opened)) };
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw error;
    if (!(error instanceof StaveError) || error.code === 'RUNTIME') await model.ready();
    const { code, what, why, fix } = error instanceof StaveError ? error : { code: 'UNFORESEEN', what: (error as Error).message, why: (error as Error).stack, fix: undefined };
    return { id, video, question, error: { code, what, why, fix } };
  } finally {
    done();
  }
}

/** An answer that is there must be this question's, and made as the others will be. @throws DATA */
function checkSame({ id, video, question }: BatchQuestion, answer: EarlierAnswer | undefined, here: NonNullable<EarlierAnswer['made']>, out: string): void {
  if (answer === undefined) return;
  const at = `${out}:${answer.line}`;
  if (answer.video !== video || answer.question !== question) throw new StaveError('DATA', { what: `${at} answers another question under the id "${id}"`, why: `"${answer.question}" about ${answer.video}`, fix: 'choose another --out' });
  if (answer.made !== null) checkMadeAlike(at, answer.made, here);
}
