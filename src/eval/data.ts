/** A task's questions as they lie on disk: rows with the files they came from, and where the videos are that they name. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { StaveError } from '../errors.ts';
import type { ClipFacts, Task } from '../tasks/index.ts';

/** A row as its file holds it. */
export type Doc = Readonly<Record<string, unknown>>;

/** A file that rows were read from. path: below the root of the data. */
export type DataFile = { path: string; bytes: number; sha256: string };

export type TaskData = {
  task: Task<unknown>;
  /** The file that the rows are counted in, for messages. */
  source: string;
  docs: readonly Doc[];
  /** The same, checked: the task's own. */
  rows: readonly unknown[];
  files: readonly DataFile[];
  /** What was decided on the way from the files to the rows. */
  notes?: readonly string[];
  /** Where the file of a path that the task names may lie, in the order tried. */
  locate(path: string): string[];
  /** What of a row's files its question depends on. */
  facts?(row: unknown, signal?: AbortSignal): Promise<ClipFacts>;
  /** What can be known to be wrong with a row's files before anything is asked. @throws DATA */
  check?(row: unknown): Promise<void>;
};

/** Reads the rows of a task. @throws DATA naming file, row and column */
export function readTask(task: Task<unknown>, source: string, docs: readonly unknown[]): { docs: Doc[]; rows: unknown[] } {
  try {
    return { rows: task.read(docs), docs: docs as Doc[] };
  } catch (error) {
    if (!(error instanceof StaveError)) throw error;
    throw new StaveError(error.code, { what: `${source}: ${error.what}`, why: error.why, fix: error.fix, cause: error });
  }
}

/** A whole file and what the manifest says of it. @throws IO */
export async function readData(root: string, path: string): Promise<{ bytes: Uint8Array; text(): string; file: DataFile }> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read ${path}`, why: cause.message, fix: 'check that the file may be read', cause });
  });
  return { bytes, text: () => bytes.toString(), file: { path: relative(root, path), bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') } };
}

/** @throws DATA naming the file, and the line where the text has a JSON value in each */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new StaveError('DATA', { what: `${source} is not JSON`, why: (cause as Error).message, fix: 'get the file again', cause });
  }
}

/** A JSON value in each line; blank ones are left out. @throws DATA naming file and line */
export function parseJsonLines(text: string, source: string): unknown[] {
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parseJson(line, `${source}:${i + 1}`)]));
}

/** @throws DATA where it is something else */
export function asList(value: unknown, source: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new StaveError('DATA', { what: `${source} is no list`, why: 'its rows are the entries of a list [ … ]', fix: 'get the file again' });
}
