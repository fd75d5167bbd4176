/** The two files of a batch: questions, a JSON line each, and the answers that are there already. */
import { createReadStream } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { whyUnread } from '../files/look.ts';
import type { ModelInfo } from './model-files.ts';
import { settingsJson, type Made } from './same-answers.ts';

/** A line of the questions file. */
export type BatchQuestion = { id: string | number; video: string; question: string };

/** What is checked of an answer of an earlier run. */
export type EarlierAnswer = { line: number; video: string; question: string; /** null where it failed. */ made: { model: ModelInfo; /** As settingsJson has them. */ settings: string } | null; failed: boolean };

/** @throws IO; DATA naming the line */
export async function readQuestions(file: string): Promise<BatchQuestion[]> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read the questions file ${file}`, why: whyUnread(cause), fix: 'check the path', cause });
  });
  const seen = new Map<string, number>();
  return text.replace(/^\uFEFF/, '').split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const question = parseQuestion(line, `${file}:${i + 1}`);
    const before = seen.get(String(question.id));
    if (before !== undefined) throw new StaveError('DATA', { what: `${file}:${i + 1}: the id "${question.id}" stands in line ${before} too`, fix: 'give every question an id of its own' });
    seen.set(String(question.id), i + 1);
    return [question];
  });
}

function parseQuestion(line: string, at: string): BatchQuestion {
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
  return json as BatchQuestion;
}

/** Answers of earlier runs by id; none when there is no file. What was being written when the process died is no line yet.
 * @throws IO; DATA for a line that is no answer, or a second one with its id */
export async function readAnswers(out: string): Promise<Map<string, EarlierAnswer>> {
  const answers = new Map<string, EarlierAnswer>();
  let rest: Buffer[] = [];
  try {
    if (!(await stat(out)).isFile()) throw new StaveError('IO', { what: `${out} is not a regular file`, why: 'answers must be read again to go on after a stop', fix: 'choose another --out' });
    for await (const chunk of createReadStream(out) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString();
        rest = [];
        from = end + 1;
        add(answers, line, out);
      }
      rest.push(chunk.subarray(from));
    }
  } catch (cause) {
    if (cause instanceof StaveError) throw cause;
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw new StaveError('IO', { what: `cannot read ${out}`, why: (cause as Error).message, fix: 'choose another --out', cause });
  }
  return answers;
}

function add(answers: Map<string, EarlierAnswer>, text: string, out: string): void {
  const line = answers.size + 1;
  const wrong = (why: string) => new StaveError('DATA', { what: `${out}:${line} is not an answer of an earlier run`, why, fix: 'choose another --out' });
  let json: (Partial<Made> & { id?: unknown; video?: unknown; question?: unknown; error?: unknown }) | null;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw wrong((cause as Error).message);
  }
  const { id, video, question, model, error, ...rest } = json ?? {};
  if (typeof video !== 'string' || typeof question !== 'string' || !(typeof id === 'string' || typeof id === 'number')) throw wrong('it has no id, video and question');
  const before = answers.get(String(id));
  if (before) throw wrong(`the id "${id}" stands in line ${before.line} too`);
  answers.set(String(id), { line, video, question, made: model ? { model, settings: settingsJson(rest) } : null, failed: error !== undefined });
}

/** A relative path counts from the questions file's folder; where nothing is there, from the working directory. */
export async function findVideo(video: string, file: string): Promise<string> {
  if (isAbsolute(video)) return video;
  const beside = resolve(dirname(file), video);
  return access(beside).then(() => beside, () => access(resolve(video)).then(() => resolve(video), () => beside));
}
