/** Where the rows of a data file stand: a JSON value a line (.jsonl), or one list of them (.json). Files may be larger than memory: rows are found first, and read when their turn comes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import { whyUnread } from '../files/look.ts';

/** A row as text. line: of its first character, from 1; start, end: bytes of the file. */
export type FoundRow = { line: number; start: number; end: number; text: string };

/** Of many rows, in memory that threads share. */
export type RowTable = { file: string; start: Float64Array; end: Float64Array; line: Uint32Array };

/** Longest row, in bytes: a file of another kind would be taken for one endless row. */
const LONGEST = 64e6;

const [NEWLINE, QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = ['\n', '"', '\\', ',', '[', ']', '{', '}'].map((c) => c.charCodeAt(0));
const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

/** The rows in order. @throws IO; DATA for a file that is neither .jsonl nor a list */
export async function* findRows(file: string): AsyncGenerator<FoundRow> {
  const kind = /\.(jsonl|ndjson|json)$/i.exec(file)?.[1].toLowerCase();
  if (kind === undefined) throw new StaveError('DATA', { what: `${file} is no data file by its name`, why: 'one ends with .jsonl (a conversation a line) or .json (a list of them)', fix: 'rename it' });
  const cut = kind === 'json' ? listRows(file) : lineRows();
  let rest: Buffer = Buffer.alloc(0); // what was read and belongs to no row yet
  let at = 0; // its place in the file
  for await (const chunk of read(file)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const { rows, used } = cut(rest, at, false);
    yield* rows;
    rest = rest.subarray(used);
    at += used;
    if (rest.length > LONGEST) throw new StaveError('DATA', { what: `${file} has a row of more than ${LONGEST / 1e6} MB at byte ${at}`, fix: 'give JSON lines, or a list of conversations' });
  }
  yield* cut(rest, at, true).rows;
}

/** Rows in what was read so far, and how much of it they and what lies between them take. `at`: its place in the file. */
type Cut = (bytes: Buffer, at: number, last: boolean) => { rows: FoundRow[]; used: number };

function lineRows(): Cut {
  let line = 1;
  return (bytes, at, last) => {
    const rows: FoundRow[] = [];
    let from = 0;
    const take = (to: number): void => {
      const text = bytes.toString('utf8', from, to).replace(/^\uFEFF/, '');
      if (text.trim() !== '') rows.push({ line, start: at + from, end: at + to, text });
      line++;
      from = to + 1;
    };
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) take(end);
    if (last && from < bytes.length) take(bytes.length);
    return { rows, used: Math.min(from, bytes.length) };
  };
}

function listRows(file: string): Cut {
  let line = 1, depth = 0, inString = false, escaped = false;
  let seen = 0; // bytes of `bytes` that were looked at already
  let from = -1, fromLine = 1; // of the row that is being read
  let ended = false;
  return (bytes, at, last) => {
    const rows: FoundRow[] = [];
    let used = 0;
    const end = (to: number): void => {
      if (from >= 0) rows.push({ line: fromLine, start: at + from, end: at + to, text: bytes.toString('utf8', from, to) });
      from = -1;
      used = to;
    };
    for (let i = seen; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === NEWLINE) line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (isSpace(byte) || (at === 0 && i < 3 && byte >= 0xbb)) continue; // also a byte order mark
      if (ended || (depth === 0 && byte !== OPEN_LIST)) throw new StaveError('DATA', { what: `${file}:${line} is not a list [ … ] of conversations`, fix: 'give one list, or JSON lines in a file called .jsonl' });
      if (depth === 1 && from < 0 && byte !== COMMA && byte !== CLOSE_LIST) [from, fromLine] = [i, line];
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_LIST || byte === OPEN) depth++;
      else if (byte === CLOSE_LIST || byte === CLOSE) {
        depth--;
        if (depth > 0) continue;
        end(i);
        ended = true;
      } else if (byte === COMMA && depth === 1) end(i);
    }
    if (last && !ended) throw new StaveError('DATA', { what: `${file} ends inside its list, at line ${line}`, why: 'it was cut off, or a bracket is missing', fix: 'write it again' });
    if (from < 0) used = bytes.length;
    seen = bytes.length - used;
    if (from >= 0) from -= used;
    return { rows, used };
  };
}

async function* read(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new StaveError('IO', { what: `cannot read the data file ${file}`, why: whyUnread(cause as Error), fix: 'check the path', cause });
  }
}

/** @param rows places of rows */
export function rowTable(file: string, rows: readonly Omit<FoundRow, 'text'>[]): RowTable {
  const doubles = () => new Float64Array(new SharedArrayBuffer(8 * rows.length));
  const table: RowTable = { file, start: doubles(), end: doubles(), line: new Uint32Array(new SharedArrayBuffer(4 * rows.length)) };
  rows.forEach(({ start, end, line }, i) => {
    table.start[i] = start;
    table.end[i] = end;
    table.line[i] = line;
  });
  return table;
}

/** A row by its number. @throws IO; DATA when the file has become another one */
export async function rowAt({ file, start: starts, end: ends, line: lines }: RowTable, index: number): Promise<FoundRow> {
  const [start, end, line] = [starts[index], ends[index], lines[index]];
  const bytes = Buffer.alloc(end - start);
  try {
    await using handle = await open(file);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    if (bytesRead < bytes.length) throw new StaveError('DATA', { what: `${file}:${line} is not what it was when the run began`, fix: 'leave data files as they are while a run reads them' });
  } catch (cause) {
    if (cause instanceof StaveError) throw cause;
    throw new StaveError('IO', { what: `cannot read the data file ${file}`, why: whyUnread(cause as Error), fix: 'check the path', cause });
  }
  return { line, start, end, text: bytes.toString().replace(/^\uFEFF/, '') };
}

/** What a quarantine list knows a row by. */
export const rowHash = (text: string): string => createHash('sha256').update(text.trim()).digest('hex').slice(0, 16);
