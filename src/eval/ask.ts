/** One question to the model: its videos found, shown as the task says, the answer cut as the task says. */
import { StaveError } from '../errors.ts';
import { firstFile } from '../files/look.ts';
import { isShown } from '../tasks/lmms/messages.ts';
import { cutAnswer, type Task, type TaskMessage } from '../tasks/index.ts';
import type { AnswerResult, AskOptions, ChatMessage, ChatPart, VideoSource } from '../generate/index.ts';
import { cropAlike, framesOf, needsFrames, optionsOf } from './clips.ts';
import type { TaskData } from './data.ts';
import type { Line, Seen } from './ledger.ts';
import { at, promptOf, videosOf, type Sample } from './samples.ts';

/** What answers: a loaded model, or what stands in for one in a test. */
export type Answerer = { generate(messages: readonly ChatMessage[], options: AskOptions): { result(): Promise<AnswerResult> } };

/** What becomes of a question whose video is missing or can't be read: the run ends with an error, the question is left out, or it is asked without the video (as the reference does in silence). */
export const missingRules = ['error', 'skip', 'ask-without'] as const;
export type MissingRule = (typeof missingRules)[number];

/** Asks one question. @throws VIDEO_… naming the row, with the rule `error`; what else goes wrong, naming the row */
export async function askSample(model: Answerer, sample: Sample, missing: MissingRule, signal?: AbortSignal): Promise<Line> {
  const { data: { task, facts }, id, row, hash } = sample;
  const name = { task: task.name, id, question: hash };
  try {
    const question = facts === undefined ? sample.question : task.ask(row, await facts(row, signal));
    const paths = videosOf(question.messages);
    const files = await Promise.all(paths.map((path) => fileOf(sample.data, path)));
    const without: { video: string; why: string }[] = [];
    const shown: (string | undefined)[] = files.map((file, i) => {
      if (file !== undefined && shows(task, file)) return file;
      without.push({ video: paths[i], why: file === undefined ? 'missing' : 'not shown under this protocol' });
      return undefined;
    });
    if (missing !== 'ask-without' && files.includes(undefined)) {
      if (missing === 'skip') return { ...name, skipped: `there is no ${paths[files.indexOf(undefined)]}` };
      throw missingVideo(sample, paths[files.indexOf(undefined)]);
    }
    const attempt = (sources: readonly (string | undefined)[]) => answer(model, sample, question.messages, paths, sources, signal);
    let answered: Awaited<ReturnType<typeof answer>>;
    try {
      answered = await attempt(shown);
    } catch (error) {
      if (!(error instanceof StaveError) || !isVideoError(error) || missing === 'error') throw error;
      if (missing === 'skip') return { ...name, skipped: error.what };
      for (const [i, source] of shown.entries()) if (source !== undefined) without.push({ video: paths[i], why: error.what });
      answered = await attempt(shown.map(() => undefined));
    }
    return { ...name, prompt: promptOf(question.messages), ...answered, without };
  } catch (error) {
    throw error instanceof StaveError && !signal?.aborted && error.code !== 'RUNTIME' && !error.what.startsWith(at(sample)) ? inRow(error, sample) : error;
  }
}

/** The first of a video's places where there is a file. */
export const fileOf = ({ locate }: Pick<TaskData, 'locate'>, video: string): Promise<string | undefined> => firstFile(locate(video));

/** Whether a task's protocol shows a file at all: the harness's rule holds for its own tasks alone. */
export const shows = ({ settings, protocol }: Task<unknown>, file: string): boolean => settings.frames.rule !== 'lmms' || isShown(file, protocol);

export function missingVideo(sample: Sample, video: string): StaveError {
  return new StaveError('VIDEO_MISSING', { what: `${at(sample)}: there is no ${sample.data.locate(video)[0] ?? video}`, fix: 'put it there (stave eval check lists all that are missing), or leave such questions out (missing: skip), or ask them without a video as the reference does (missing: ask-without)' });
}

const isVideoError = (error: unknown): boolean => error instanceof StaveError && error.code.startsWith('VIDEO_');

function inRow(error: StaveError, sample: Sample): StaveError {
  const fix = isVideoError(error) ? 'get the file again, or leave such questions out (missing: skip), or ask them without a video as the reference does (missing: ask-without)' : error.fix;
  return new StaveError(error.code, { what: `${at(sample)}: ${error.what}`, why: error.why, fix, cause: error });
}

/** @param sources files of the videos; undefined: not shown */
async function answer(model: Answerer, { data: { task } }: Sample, messages: readonly TaskMessage[], paths: readonly string[], sources: readonly (string | undefined)[], signal: AbortSignal | undefined) {
  const { settings } = task;
  const files = sources.filter((source) => source !== undefined);
  const inMemory = needsFrames(settings, files.length);
  const whole = inMemory ? await Promise.all(files.map((file) => framesOf(file, settings.frames, signal))) : [];
  const videos: VideoSource[] = inMemory ? cropAlike(whole, settings.temporal_scope) : files;
  let next = 0, part = 0;
  const chat = messages.map(({ role, content }): ChatMessage => ({
    role,
    content: typeof content === 'string' ? content : content.flatMap((p): ChatPart[] => (p.type === 'text' ? [p] : sources[part++] === undefined ? [] : [{ type: 'video', video: videos[next++] }])),
  }));
  const result = await model.generate(chat, { ...optionsOf(settings), signal }).result();
  const named = paths.filter((_, i) => sources[i] !== undefined);
  const seen = result.media.map(({ frames, grid, sizes, damage }, i): Seen => {
    const source = whole[i]?.[0] ?? sizes.source;
    const { width, height } = sizes.source;
    const crop = source.width === width && source.height === height ? {} : { crop: { width, height } };
    return { video: named[i], frames, grid, sizes: { source: { width: source.width, height: source.height }, input: sizes.input, ...crop }, damage };
  });
  const tokens = { prompt: result.prompt_tokens, visual: result.visual_tokens, answer: result.token_ids.length };
  return { text: result.text, answer: cutAnswer(result.text, settings.until, task.protocol), finish_reason: result.finish_reason, seen, tokens, seconds: result.timings.total };
}
