/** Files of JSON lines that only grow: what a crash or a full disk can spoil is the last line, and that is cut off. */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import { writeError } from './write.ts';

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** Such a file, open to be added to by one process (see lock.ts). */
export class JsonLines {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #sync: boolean;
  /** Bytes of whole lines. */
  #whole: number;
  #last: Promise<void> = Promise.resolve();
  #failed: { error: unknown } | undefined;

  private constructor(file: string, handle: FileHandle, whole: number, sync: boolean) {
    this.file = file;
    this.#handle = handle;
    this.#sync = sync;
    this.#whole = whole;
  }

  /** Opens a file or begins one, in a folder that is there. A last line without an end is cut off.
   * @param sync false: lines are not brought to disk one by one, which takes milliseconds each; a power cut can take those after the last sync()  @throws IO */
  static async open(file: string, { sync = true }: { sync?: boolean } = {}): Promise<JsonLines> {
    const handle = await open(file, 'a+').catch((cause: unknown) => { throw writeError(file, cause); });
    try {
      const { size } = await handle.stat();
      const whole = await wholeLines(handle, size);
      if (whole < size) await handle.truncate(whole);
      return new JsonLines(file, handle, whole, sync);
    } catch (cause) {
      await handle.close();
      throw writeError(file, cause);
    }
  }

  /** Adds a line; several are written one after the other. Written when this resolves, and on disk unless the file was opened without `sync`. After one that failed nothing is
   * added any more, lest it stand behind a torn line, and each further call fails with the same error. @throws IO */
  append(value: object): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(value)}\n`);
    return this.#inTurn(() => this.#write(line));
  }

  /** Brings to disk what was added. @throws IO */
  sync(): Promise<void> {
    return this.#inTurn(() => this.#handle.datasync().catch((cause: unknown) => { throw writeError(this.file, cause); }));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #write(line: Buffer): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed.error;
    try {
      await this.#handle.appendFile(line);
      if (this.#sync) await this.#handle.datasync();
      this.#whole += line.length;
    } catch (cause) {
      this.#failed = { error: writeError(this.file, cause) };
      await this.#handle.truncate(this.#whole).catch(() => {}); // else the next one that opens it does so
      throw this.#failed.error;
    }
  }

  /** Waits for lines that are being written. */
  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The whole lines of a file, as text; none when it does not exist. A last one without an end is left out. @throws IO */
export async function readLines(file: string): Promise<string[]> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return Buffer.alloc(0);
    throw new StaveError('IO', { what: `cannot read ${file}`, why: cause.message, fix: 'check that it is a file and may be read', cause });
  });
  return bytes.subarray(0, bytes.lastIndexOf(10) + 1).toString().split('\n').slice(0, -1);
}

/** Bytes up to the end of the last whole line, looked for from the end. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const piece = Buffer.alloc(Math.min(PIECE, size));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - PIECE);
    const { bytesRead } = await handle.read(piece, 0, end - start, start);
    const at = piece.subarray(0, bytesRead).lastIndexOf(10);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
