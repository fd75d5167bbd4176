/** `stave data check`: every row read, its frames chosen and decoded, its tokens counted. */
import { availableParallelism } from 'node:os';
import { StaveError } from '../errors.ts';
import { writeWhole } from '../files/write.ts';
import { inOrder } from '../generate/index.ts';
import type { MediaPlan } from '../generate/media.ts';
import type { Dialogue, Problem } from './dialogue.ts';
import { readData, type DataFileOptions, type DataRow, type LineProblem, type QuarantineLine } from './file.ts';
import type { Form } from './forms.ts';
import { readMediaFile } from './media.ts';
import { dataModel, mediaOptions, prepareDialogue, problemOf, type DataModel, type FrameOptions, type PrepareOptions } from './prepare.ts';
import { rowHash } from './rows.ts';

export type CheckOptions = Partial<PrepareOptions> & DataFileOptions & FrameOptions & {
  /** Decode the frames that the model would see. Default true; else headers alone are read. */
  decode?: boolean;
  /** Where a quarantine list goes: a line for each row that something is wrong with. */
  out?: string;
  onRow?: (progress: { rows: number; bad: number }) => void;
  signal?: AbortSignal;
};

/** Tokens of the rows that nothing is wrong with; `longest`: the line of the most. */
export type TokenCounts = { total: number; visual: number; learnt: number; shortest: number; mean: number; longest: { line: number; tokens: number } | null };

export type DataReport = {
  file: string;
  /** All rows; of these, without anything wrong, and left out by the quarantine list. */
  rows: number;
  good: number;
  skipped: number;
  forms: Partial<Record<Form, number>>;
  ignored: Record<string, number>;
  videos: number;
  images: number;
  /** Frames that the model would see. */
  frames: number;
  /** Answers that would be learnt. */
  answers: number;
  tokens: TokenCounts;
  decoded: boolean;
  problems: LineProblem[];
};

/** Looks for everything that would be wrong with a data file in training. @param model directory of the model to be trained, or what is known of it  @throws IO, DATA for no data file; as dataModel */
export async function checkConversations(file: string, model: string | DataModel, options: CheckOptions = {}): Promise<DataReport> {
  const { out, onRow, signal, decode = true } = options;
  const stop = new AbortController(); // ends what is under way when the check ends early
  const asking = { ...options, learn: options.learn ?? 'every', read: { ...options.read, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal } };
  const made = await dataModel(model, options);
  const tokens: TokenCounts = { total: 0, visual: 0, learnt: 0, shortest: Infinity, mean: 0, longest: null };
  const report: DataReport = { file, rows: 0, good: 0, skipped: 0, forms: {}, ignored: {}, videos: 0, images: 0, frames: 0, answers: 0, tokens, decoded: decode, problems: [] };
  const quarantine: QuarantineLine[] = [];
  const decoded = new Map<string, Promise<unknown>>();

  for await (const { row, problems, seen } of inOrder(readData(file, options), availableParallelism(), (row) => look(row, made, asking, decode ? decoded : undefined), stop)) {
    signal?.throwIfAborted();
    report.rows++;
    if (row.quarantined) report.skipped++;
    if (row.form !== undefined) report.forms[row.form] = (report.forms[row.form] ?? 0) + 1;
    for (const name of row.ignored) report.ignored[name] = (report.ignored[name] ?? 0) + 1;
    for (const problem of problems) report.problems.push({ line: row.line, ...problem });
    if (problems.length > 0) quarantine.push({ line: row.line, row: rowHash(row.text), problems });
    if (seen !== undefined) count(report, row.line, seen);
    onRow?.({ rows: report.rows, bad: quarantine.length });
  }
  if (report.rows === 0) throw new StaveError('DATA', { what: `${file} is empty`, fix: 'give a file of conversations' });
  if (report.good === 0) tokens.shortest = 0;
  tokens.mean = report.good === 0 ? 0 : tokens.total / report.good;
  if (out !== undefined) await writeWhole(out, quarantine.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return report;
}

type Seen = Awaited<ReturnType<typeof prepareDialogue>>;
type Row = DataRow & { quarantined: boolean };

async function look(row: Row, model: DataModel, options: PrepareOptions, decoded: Map<string, Promise<unknown>> | undefined): Promise<{ row: Row; problems: Problem[]; seen?: Seen }> {
  const { dialogue } = row;
  if (dialogue === undefined) return { row, problems: row.problems };
  try {
    const seen = await prepareDialogue(dialogue, model, options);
    const problems = decoded === undefined ? [] : await decodeAll(dialogue, seen.plans, model, options, decoded);
    return problems.length > 0 ? { row, problems } : { row, problems, seen };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return { row, problems: [problem] };
  }
}

/** @param decoded what came of each video already: several rows may show one */
async function decodeAll({ media }: Dialogue, plans: readonly MediaPlan[], model: DataModel, options: PrepareOptions, decoded: Map<string, Promise<unknown>>): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [i, file] of media.entries()) {
    const key = JSON.stringify(file);
    if (!decoded.has(key)) decoded.set(key, readMediaFile(file, plans[i], mediaOptions(model, options)).then(() => undefined, (error: unknown) => error));
    const error = await decoded.get(key);
    if (error === undefined) continue;
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    problems.push(problem);
  }
  return problems;
}

function count(report: DataReport, line: number, { plans, encoded: { ids, answers } }: Seen): void {
  const { tokens } = report;
  report.good++;
  report.answers += answers.length;
  for (const { kind, frames, tokens: visual } of plans) {
    report[kind === 'video' ? 'videos' : 'images']++;
    report.frames += frames.length;
    tokens.visual += visual;
  }
  tokens.total += ids.length;
  for (const { start, end } of answers) tokens.learnt += end - start;
  tokens.shortest = Math.min(tokens.shortest, ids.length);
  if (tokens.longest === null || ids.length > tokens.longest.tokens) tokens.longest = { line, tokens: ids.length };
}
