/** WebVid-QA, built as the authors built it: captions → questions and answers by a language model → records to train on. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '../clips/index.ts';
import { StaveError } from '../errors.ts';
import { writeWhole } from '../files/write.ts';
import { inParallel } from '../hub/parallel.ts';
import { seededDraws } from '../tasks/draws.ts';
import type { JudgeRequest, Protocol } from '../tasks/index.ts';
import { qaMessages, qaModel, qaPrompt, qaSamples, splitCaptions, type Turns } from '../tasks/webvid/ask.ts';
import { collectCaptions, type Caption } from '../tasks/webvid/captions.ts';
import { webvidRecords } from '../tasks/webvid/records.ts';
import type { Judge, JudgeName } from './judge/judge.ts';
import { Replies, replyKey } from './judge/replies.ts';

export type WebvidOptions = {
  /** Folder with the CSV files of WebVid: `videoid,contentUrl,duration,page_dir,name`. */
  captions: string;
  /** Folder: `replies.jsonl`, `webvid_qa.jsonl`, `records.jsonl`. Replies that are there are not asked for again. */
  output: string;
  /** The language model that writes. The authors' is Qwen2.5-7B-Instruct. */
  writer: Judge;
  /** Captions at most: the longest. Default: a million, as the authors took. */
  most?: number;
  /** `paper` (default): a record is the last question alone. `strict`: those before it too. */
  protocol?: Protocol;
  /** Put before the videos' names in the records; default: nothing, they are looked for where the recipe's `media` points. */
  folder?: string;
  /** Of the draws: which captions get one question, which options are exchanged, the order. The authors' had none. */
  seed?: string;
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
};

export type WebvidOutcome = { captions: number; /** Replies that came now. */ asked: number; /** Captions whose reply held a question with its answer. */ samples: number; dropped: number; /** The file to train on. */ records: string };

const turnsOf: readonly Turns[] = ['single', 'multi'];

/** @throws DATA naming the file and line of a caption; JUDGE where the writer can't be asked, what it wrote being kept; IO; the signal's reason */
export async function buildWebvidQa({ captions: folder, output, writer, most, protocol = 'paper', folder: videos, seed = 'webvid', signal, onProgress }: WebvidOptions): Promise<WebvidOutcome> {
  const captions = collectCaptions(await csvFiles(folder), most);
  if (captions.length === 0) throw new StaveError('DATA', { what: `${folder} holds no captions`, why: 'no file there ends in .csv, or they are empty', fix: 'give the folder of WebVid\'s CSV files' });
  const split = splitCaptions(captions, seededDraws(random(seed, 'captions')));
  const name = await writer.name();
  await using replies = await Replies.open(join(output, 'replies.jsonl'));
  const keys = Object.fromEntries(turnsOf.map((turns) => [turns, split[turns].map((caption) => keyOf(name, caption, turns))]));
  const wanted = new Map(turnsOf.flatMap((turns) => split[turns].map((caption, i) => [keys[turns][i], { caption, turns }] as const))); // captions that say the same are asked about once
  const asked = await askAll(writer, [...wanted], replies, signal, onProgress);
  const samples = turnsOf.flatMap((turns) => qaSamples(split[turns], keys[turns].map((key) => replies.get(key)!), turns));
  const records = join(output, 'records.jsonl');
  await writeLines(join(output, 'webvid_qa.jsonl'), samples);
  await writeLines(records, webvidRecords(samples, seededDraws(random(seed, 'records')), { protocol, folder: videos }));
  return { captions: captions.length, asked, samples: samples.length, dropped: captions.length - samples.length, records };
}

async function askAll(writer: Judge, wanted: readonly (readonly [key: string, { caption: Caption; turns: Turns }])[], replies: Replies, signal?: AbortSignal, onProgress?: WebvidOptions['onProgress']): Promise<number> {
  const waiting = wanted.filter(([key]) => replies.get(key) === undefined);
  if (waiting.length === 0) return 0;
  let done = wanted.length - waiting.length;
  await using asking = await writer.open();
  await inParallel(waiting, async ([key, { caption, turns }], stop) => {
    await replies.keep(key, await asking.ask(requestOf(caption, turns), 0, stop), { videoid: caption.videoid, turns });
    onProgress?.({ done: ++done, total: wanted.length });
  }, signal, writer.concurrency);
  return waiting.length;
}

const requestOf = ({ name }: Caption, turns: Turns): JudgeRequest => ({ model: qaModel.model, messages: qaMessages(qaPrompt(turns) + name), settings: qaModel.generation, tries: 1 });

const keyOf = (writer: JudgeName, caption: Caption, turns: Turns): string => replyKey(writer, requestOf(caption, turns), 0);

async function csvFiles(folder: string): Promise<Record<string, string>> {
  const cannot = (cause: Error) => { throw new StaveError('IO', { what: `cannot read ${folder}`, why: cause.message, fix: 'give the folder of WebVid\'s CSV files', cause }); };
  const names = (await readdir(folder).catch(cannot)).filter((name) => name.endsWith('.csv'));
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8').catch(cannot)] as const)));
}

/** As bytes: a million records are longer than a text can be. */
const writeLines = (file: string, values: readonly unknown[]): Promise<void> => writeWhole(file, Buffer.concat(values.map((value) => Buffer.from(`${JSON.stringify(value)}\n`))));
