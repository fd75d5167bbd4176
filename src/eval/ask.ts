/** One question to the model: its videos found, shown as the task says, the answer cut as the task says. */
import { StaveError } from '../errors.ts';
import { firstFile } from '../files/look.ts';
import { isShown } from '../tasks/lmms/messages.ts';
import { cutAnswer, type Task, type TaskMessage } from '../tasks/index.ts';
import type { AnswerResult, AskOptions, ChatMessage, ChatPart, Decision, DeviceInfo, VideoModel, VideoSource } from '../generate/index.ts';
import { cropAlike, framesOf, needsFrames, optionsOf, viewOf } from './clips.ts';
import type { TaskData } from './data.ts';
import type { Entry, Line, Seen } from './ledger.ts';
import { at, promptOf, videosOf, type Sample } from './samples.ts';

/** What answers: a loaded model, or what stands in for one in a test. */
export type Answerer = { generate(...asked: Parameters<VideoModel['generate']>): { result(): Promise<AnswerResult> } } & Pick<VideoModel, 'decideReply'> & { /** Seconds that the engine has worked so far. */ readonly busy?: number; readonly device?: DeviceInfo };

/** What becomes of a question whose video is missing or can't be read: the run ends with an error, the question is left out, or it is asked without the video (as the reference does in silence). */
export const missingRules = ['error', 'skip', 'ask-without'] as const;
export type MissingRule = (typeof missingRules)[number];

/** When a question may be answered: its videos are read at once. */
type Timing = Pick<AskOptions, 'after' | 'signal'>;

/** Asks one question. @throws VIDEO_… naming the row, with the rule `error`; what else goes wrong, naming the row */
export async function askSample(model: Answerer, sample: Sample, missing: MissingRule, timing: Timing = {}): Promise<Line> {
  const { signal } = timing;
  const { data: { task, facts }, id, row, hash, mode } = sample;
  const name = { task: task.name, id, ...(mode === 'generate' ? {} : { mode }), question: hash };
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
    const attempt = (sources: readonly (string | undefined)[]) => answer(model, sample, question.messages, paths, sources, timing);
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
async function answer(model: Answerer, sample: Sample, messages: readonly TaskMessage[], paths: readonly string[], sources: readonly (string | undefined)[], timing: Timing) {
  const { settings } = sample.data.task;
  const files = sources.filter((source) => source !== undefined);
  const inMemory = needsFrames(settings, files.length);
  const whole = inMemory ? await Promise.all(files.map((file) => framesOf(file, settings.frames, timing.signal))) : [];
  const videos: VideoSource[] = inMemory ? cropAlike(whole, settings.temporal_scope) : files;
  let next = 0, part = 0;
  const chat = messages.map(({ role, content }): ChatMessage => ({
    role,
    content: typeof content === 'string' ? content : content.flatMap((p): ChatPart[] => (p.type === 'text' ? [p] : sources[part++] === undefined ? [] : [{ type: 'video', video: videos[next++] }])),
  }));
  const { said, media, tokens, seconds } = sample.choices === undefined ? await generated(model, sample, chat, timing) : await decided(model, sample, sample.choices, chat, timing);
  const named = paths.filter((_, i) => sources[i] !== undefined);
  const seen = media.map(({ frames, grid, sizes, damage }, i): Seen => {
    const source = whole[i]?.[0] ?? sizes.source;
    const { width, height } = sizes.source;
    const crop = source.width === width && source.height === height ? {} : { crop: { width, height } };
    return { video: named[i], frames, grid, sizes: { source: { width: source.width, height: source.height }, input: sizes.input, ...crop }, damage };
  });
  return { ...said, seen, tokens, seconds };
}

type Said = Pick<Entry, 'text' | 'answer' | 'finish_reason' | 'decision'>;
type Replied = Pick<Entry, 'tokens' | 'seconds'> & { said: Said; media: Decision['media'] };

async function generated(model: Answerer, { data: { task } }: Sample, chat: readonly ChatMessage[], timing: Timing): Promise<Replied> {
  const { text, finish_reason, media, prompt_tokens, visual_tokens, token_ids, timings } = await model.generate(chat, { ...optionsOf(task.settings), ...timing }).result();
  return { said: { text, answer: cutAnswer(text, task.settings.until, task.protocol), finish_reason }, media, tokens: { prompt: prompt_tokens, visual: visual_tokens, answer: token_ids.length }, seconds: timings.total };
}

async function decided(model: Answerer, { data: { task } }: Sample, { spellings, hash }: NonNullable<Sample['choices']>, chat: readonly ChatMessage[], timing: Timing): Promise<Replied> {
  const { choice, choices, mass, media, prompt_tokens, visual_tokens, timings } = await model.decideReply(chat, spellings, { ...viewOf(task.settings), ...timing });
  const decision = { probabilities: choices.map(({ probability }) => probability), mass, choices: hash };
  return { said: { text: choice, answer: choice, finish_reason: 'decided', decision }, media, tokens: { prompt: prompt_tokens, visual: visual_tokens, answer: 0 }, seconds: timings.total };
}
