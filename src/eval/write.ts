/** The files of a finished run. All but the manifest and lmms-eval's own form are functions of data and answers: the same from one process or many, in one go or resumed. */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { sizeOf } from '../files/look.ts';
import { writeError, writeWhole } from '../files/write.ts';
import { resultPaths, resultsFile, sampleLine } from '../tasks/lmms/result-files.ts';
import { resultTable, type TaskSettings } from '../tasks/index.ts';
import { fileOf } from './ask.ts';
import type { Doc, TaskData } from './data.ts';
import type { Judged } from './judge/settle.ts';
import { ledgerFiles, readLedger, type Header, type Line, type Session } from './ledger.ts';
import { labelOf, type Mode } from './modes.ts';
import { videosOf, type Sample } from './samples.ts';
import { groupsOf, scoreAll, type EvalResult, type EvalTaskResult, type Scored } from './score.ts';

export type Finished = { output: string; root: string; header: Header; data: readonly TaskData[]; samples: readonly Sample[]; lines: ReadonlyMap<string, Line>; limit?: number; judged?: Judged };

type Asked = { task: string; mode: Mode };

export const samplesFile = (asked: Asked): string => `samples_${labelOf(asked)}.jsonl`;

const isOf = ({ task, mode }: Asked) => ({ sample }: Scored): boolean => sample.data.task.name === task && sample.mode === mode;

/** Writes results.json, results.md, samples_<task>.jsonl, manifest.json and lmms/…; each is there whole or as it was. @throws IO */
export async function writeResults({ output, root, header, data, samples, lines, limit, judged }: Finished): Promise<EvalResult> {
  const { results, scored } = scoreAll(data, samples, lines, limit, judged);
  const result: EvalResult = { format: 'stave eval 1', model: header.model, protocol: header.protocol, limit: limit ?? null, judge: judged?.judge ?? null, tasks: results, groups: groupsOf(results) };
  for (const { task, mode } of results) await write(output, samplesFile({ task, mode }), jsonLines(scored.filter(isOf({ task, mode })).map(recordOf)));
  await write(output, 'results.json', json(result));
  await write(output, 'results.md', resultTable(results.map(labelled)));
  const sessions = await sessionsOf(output);
  await write(output, 'manifest.json', json(await manifest({ root, header, data, samples, limit, judged }, sessions)));
  await writeLmms(output, result, scored, sessions);
  return result;
}

/** As a task of its own, by its label. */
const labelled = (result: EvalTaskResult): EvalTaskResult => ({ ...result, task: labelOf(result) });

/** One question, what was really shown, and the verdict. */
function recordOf({ sample: { data: { task }, id, question, hash, choices }, entry, verdict, unmatched, judged }: Scored): object {
  const { prompt, text, answer, finish_reason, decision, seen, without, tokens } = entry;
  return { task: task.name, id, question: hash, prompt, target: question.target, text, answer, finish_reason, ...(decision && choices && { decision: { mass: decision.mass, choices: choices.spellings.map(([choice], i) => ({ choice, probability: decision.probabilities[i] })) } }), score: verdict.score, counted: verdict.counted, chosen: verdict.chosen, unmatched, ...(judged && { judge: { reply: judged.reply ?? null, calls: judged.calls } }), categories: verdict.categories ?? {}, seen, without, tokens };
}

async function sessionsOf(output: string): Promise<Session[]> {
  const sessions: Session[] = [];
  for (const file of await ledgerFiles(output)) sessions.push(...(await readLedger(file)).sessions);
  return sessions.toSorted((a, b) => (String(a.started) < String(b.started) ? -1 : 1));
}

async function manifest({ root, header, data, samples, limit, judged }: Omit<Finished, 'output' | 'lines'>, sessions: readonly Session[]): Promise<object> {
  const tasks: Record<string, { settings: TaskSettings; rows: number; files: TaskData['files']; notes?: readonly string[]; videos: object }> = {};
  for (const of of data) tasks[of.task.name] = { settings: of.task.settings, rows: of.rows.length, files: of.files, ...(of.notes && { notes: of.notes }), videos: await videosIn(samples.filter((sample) => sample.data === of)) };
  return { format: 'stave eval 1', model: header.model, protocol: header.protocol, limit: limit ?? null, data: resolve(root), tasks, judge: judged === undefined ? null : { ...judged.judge, answers: judged.settled.size, asked_now: judged.asked }, sessions, finished: new Date().toISOString() };
}

/** The videos of a task: how many, how large, and a hash of their names and sizes (their content can be a hundred gigabytes). */
async function videosIn(samples: readonly Sample[]): Promise<{ count: number; missing: number; bytes: number; names_and_sizes_sha256: string }> {
  const paths = new Map(samples.flatMap(({ data, question }) => videosOf(question.messages).map((path) => [path, data] as const)));
  const hash = createHash('sha256');
  let missing = 0, total = 0;
  for (const [path, data] of [...paths].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const file = await fileOf(data, path);
    const bytes = file === undefined ? undefined : await sizeOf(file);
    if (bytes === undefined) missing++;
    total += bytes ?? 0;
    hash.update(`${path} ${bytes ?? 'missing'}\n`);
  }
  return { count: paths.size, missing, bytes: total, names_and_sizes_sha256: hash.digest('hex') };
}

/** The same run as lmms-eval's readers know it. */
async function writeLmms(output: string, { model, tasks: results }: EvalResult, scored: readonly Scored[], sessions: readonly Session[]): Promise<void> {
  const start = new Date(String(sessions[0]?.started));
  const date = start.toISOString().replace(/\.\d+Z$/, '').replaceAll(/[-:]/g, '').replace('T', '_');
  const tasks = results.map(labelled);
  const samples = Object.fromEntries(results.map((result) => [labelOf(result), scored.filter(isOf(result)).map(({ sample: { data, id, question }, entry, verdict }) =>
    sampleLine(data.task, id, plainDoc(data.docs[id]), { prompt: entry.prompt, target: question.target, answer: entry.answer, verdict }))]));
  const groups = Object.fromEntries(tasks.flatMap(({ task, group }) => (group === undefined ? [] : [[task, group]])));
  const file = resultsFile({
    model: model.name, date, results: tasks, groups, samples,
    original: Object.fromEntries(tasks.map(({ task, rows }) => [task, rows])),
    start_time: start.getTime() / 1000, end_time: start.getTime() / 1000 + scored.reduce((sum, { entry }) => sum + entry.seconds, 0),
  });
  const [resultsPath, ...samplePaths] = resultPaths({ model: model.name, date, results: tasks });
  await write(output, join('lmms', resultsPath), json(file));
  for (const [i, { task }] of tasks.entries()) await write(output, join('lmms', samplePaths[i]), jsonLines(samples[task]));
}

/** The harness's records are objects; a row of another form is put into one. */
const plainDoc = (doc: Doc): Doc => (Array.isArray(doc) ? { turns: doc } : doc);

async function write(output: string, name: string, text: string): Promise<void> {
  const file = join(output, name);
  await makeFolder(dirname(file)).catch((cause: unknown) => { throw writeError(file, cause); });
  await writeWhole(file, text);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const jsonLines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');
