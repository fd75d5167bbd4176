/** The ledger of a run: a line of JSON per answer, on disk before the next question is asked. It is only ever appended to: what a crash can spoil is the line
 * that was being written, and that is cut off. (Why not SQLite: docs/decisions/eval-ledger.md) */
import { dirname } from 'node:path';
import { StaveError } from '../errors.ts';
import type { DeviceInfo } from '../generate/index.ts';
import { makeFolder } from '../files/folder.ts';
import { JsonLines, readLines } from '../files/json-lines.ts';
import { takeLock, type Lock } from '../files/lock.ts';
import { list, writeError } from '../files/write.ts';
import type { Mode } from './modes.ts';
import { keyOf } from './samples.ts';

type Size = { width: number; height: number };

/** What was shown of a video. */
export type Seen = {
  /** As the task names it. */
  video: string;
  /** Frames in order: number in the file, seconds on its clock. */
  frames: { index: number; time: number | null }[];
  grid: readonly number[];
  /** Pixels: of the file, as the model got them, and what was cut out of the file's before. */
  sizes: { source: Size; input: Size; crop?: Size };
  damage: readonly string[];
};

/** One question's answer. */
export type Entry = {
  task: string;
  /** Place of the row in its file, from 0. */
  id: number;
  /** Absent: generate. */
  mode?: Mode;
  /** Hash of the question it answers. */
  question: string;
  prompt: string;
  /** As the model gave it. */
  text: string;
  /** As it is scored: cut where the task's answers end. */
  answer: string;
  /** `stop`, `length`; `decided` where it was. */
  finish_reason: string;
  /** Of each choice how likely it is among them, in their order; the probability that the model gives any of them at all; the hash of what was decided between. */
  decision?: { probabilities: number[]; mass: number; choices: string };
  seen: Seen[];
  /** Videos of the question that were not shown. */
  without: { video: string; why: string }[];
  tokens: { prompt: number; visual: number; answer: number };
  /** From question to answer. */
  seconds: number;
};

/** A question that was left out for its video. */
export type Skip = { task: string; id: number; mode?: Mode; question: string; skipped: string };

export type Line = Entry | Skip;

export const isSkip = (line: Line): line is Skip => 'skipped' in line;

/** What all answers of a folder have in common. */
export type Header = { ledger: 'stave eval 1'; model: { name: string; fingerprint: string }; protocol: string };

/** What a process did, for the manifest: told when it begins, and once more when it ends. */
export type Session = Readonly<Record<string, unknown>>;

/** How a process's asking went. */
export type SessionEnd = { answered: number; seconds: number; /** Of these, the engine worked; null: not told. */ model_busy_seconds: number | null; /** Where the model ran. */ device?: DeviceInfo };

export type LedgerContent = { header?: Header; sessions: Session[]; lines: Map<string, Line> };

/** Ledgers of a folder: `ledger.jsonl`, and of shards `ledger-2-of-8.jsonl`. In the order of their names. */
export async function ledgerFiles(folder: string): Promise<string[]> {
  return (await list(folder)).filter((file) => /[/\\]ledger(?:-\d+-of-\d+)?\.jsonl$/.test(file)).toSorted();
}

/** Reads a ledger. @throws DATA naming the line that is damaged, IO */
export async function readLedger(file: string): Promise<LedgerContent> {
  const content: LedgerContent = { sessions: [], lines: new Map() };
  for (const [i, text] of (await readLines(file)).entries()) addLine(content, text, `${file}:${i + 1}`);
  return content;
}

function addLine(content: LedgerContent, text: string, at: string): void {
  const wrong = (why: string) => new StaveError('DATA', { what: `${at} is no line of a ledger`, why, fix: 'choose another --output, or take the line out: its question is asked again then' });
  let json: Partial<Header & Entry & Skip> & { session?: Session; ended?: SessionEnd };
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw wrong((cause as Error).message);
  }
  if (json.ledger !== undefined) content.header = json as Header;
  else if (json.session !== undefined) content.sessions.push(json.session);
  else if (json.ended !== undefined) content.sessions.push({ ...content.sessions.pop(), ...json.ended }); // one writer at a time: it ends the last
  else if (typeof json.task === 'string' && typeof json.id === 'number' && typeof json.question === 'string' && (typeof json.answer === 'string' || typeof json.skipped === 'string')) {
    const line = json as Line, key = keyOf(line), before = content.lines.get(key);
    if (before !== undefined && !isSkip(before)) throw wrong(`${key} was answered before`);
    content.lines.set(key, line); // an answer takes the place of a skip
  } else throw wrong('it has no task, id, question and answer');
}

/** A ledger that this process writes. */
export class Ledger {
  readonly lines: Map<string, Line>;
  readonly #file: JsonLines;
  readonly #lock: Lock;

  private constructor(file: JsonLines, lock: Lock, lines: Map<string, Line>) {
    this.#file = file;
    this.#lock = lock;
    this.lines = lines;
  }

  /** Opens a ledger for this process alone, or begins it. @throws DATA for a damaged line or another run's ledger; IO, also when another process writes it */
  static async open(file: string, header: Header, session: Session): Promise<Ledger> {
    const folder = dirname(file);
    await makeFolder(folder).catch((cause: unknown) => { throw writeError(folder, cause); });
    const lock = await takeLock(`${file}.lock`, (who) => new StaveError('IO', { what: `another run writes ${file}`, why: who, fix: 'wait for its end, choose another --output, or give each process a --shard of its own' }));
    try {
      const { header: found, lines } = await readLedger(file);
      checkHeader({ header: found, lines }, header, file);
      const opened = await JsonLines.open(file);
      try {
        if (found === undefined) await opened.append(header);
        await opened.append({ session });
      } catch (error) {
        await opened.close();
        throw error;
      }
      return new Ledger(opened, lock, lines);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** On disk when this resolves. After one that failed nothing is added any more. @throws IO */
  async append(line: Line): Promise<void> {
    await this.#file.append(line);
    this.lines.set(keyOf(line), line);
  }

  /** @throws IO */
  async ended(end: SessionEnd): Promise<void> {
    await this.#file.append({ ended: end });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#lock;
    await this.#file.close();
  }
}

/** @throws DATA naming what differs, or that answers stand there without a word on who gave them */
export function checkHeader({ header: found, lines }: Pick<LedgerContent, 'header' | 'lines'>, here: Header, file: string): void {
  if (found === undefined) {
    if (lines.size === 0) return; // killed while it was begun
    throw new StaveError('DATA', { what: `${file} does not say which model gave its answers`, why: 'its first line is missing', fix: 'choose another --output' });
  }
  const differs = (name: string, before: unknown, now: unknown) => new StaveError('DATA', { what: `${file} has answers with ${name} ${JSON.stringify(before)}`, why: `this run has ${JSON.stringify(now)}`, fix: 'choose another --output' });
  if (found.ledger !== here.ledger) throw differs('the format', found.ledger, here.ledger);
  if (found.protocol !== here.protocol) throw differs('the protocol', found.protocol, here.protocol);
  if (found.model?.fingerprint !== here.model.fingerprint) throw differs('the model', found.model, here.model);
}
