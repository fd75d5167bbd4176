/** What all archives have in common, and what none may hold: they come from the internet, and every name and size is checked before a byte is written. */
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { validateFileName } from 'yauzl';
import { StaveError } from '../../errors.ts';

/** An archive of videos hardly shrinks them, one of subtitles to a third or so: what claims to grow more than this is a bomb. */
const MOST_GROWTH = 100, MOST_ENTRIES = 1_000_000;

/** A file, or the pieces that one was cut into. */
export type Archive = { /** Its path; of pieces, without what numbers them. */ name: string; kind: 'zip' | 'tar'; parts: Part[] };

export type Part = { path: string; bytes: number; /** When it was changed, milliseconds. */ mtime: number };

/** A file in an archive. path: with slashes, below the folder that it is unpacked into. */
export type Packed = { path: string; bytes: number };

/** How archives of a kind are read. */
export type Format = {
  /** @throws DATA for an archive that is damaged or hostile; the signal's reason */
  list(archive: Archive, signal?: AbortSignal): Promise<Packed[]>;
  /** Gives the content of files, one after the other. @param path of those that are wanted  @throws what `take` throws; as list() does */
  read(archive: Archive, wanted: ReadonlySet<string>, take: (file: Packed, content: Readable) => Promise<void>, signal?: AbortSignal): Promise<void>;
};

const again = 'get the archive again from where the data set is published';

export const refused = ({ name }: Archive, why: string, fix = again): StaveError => new StaveError('DATA', { what: `${name} is not unpacked`, why, fix });

/** Error for what a reader of archives threw over what it read. */
export function damaged({ name, parts }: Archive, cause: unknown): StaveError {
  const why = `${(cause as Error).message}${parts.length > 1 ? ` (in ${parts.length} pieces put together, ${parts[0].path} to ${parts[parts.length - 1].path})` : ''}`;
  return new StaveError('DATA', { what: `${name} cannot be unpacked`, why, fix: again, cause });
}

/** The files that an archive states, as they are read. */
export class Contents {
  readonly #archive: Archive;
  readonly #files = new Map<string, Packed>();
  readonly #stored: number;
  #total = 0;

  constructor(archive: Archive) {
    this.#archive = archive;
    this.#stored = archive.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @returns the file with the path below the folder  @throws DATA for what no data set has */
  add(name: string, bytes: number): Packed {
    const wrong = validateFileName(name) ?? (name.includes('\0') ? `invalid characters in fileName: ${JSON.stringify(name)}` : null);
    if (wrong !== null) throw refused(this.#archive, wrong);
    const file = { path: posix.normalize(name), bytes };
    if (this.#files.has(file.path)) throw refused(this.#archive, `${file.path} is in it twice`);
    this.#files.set(file.path, file);
    this.#total += bytes;
    if (this.#files.size > MOST_ENTRIES) throw refused(this.#archive, `it has more than ${MOST_ENTRIES} files`);
    if (this.#total > MOST_GROWTH * this.#stored + 1e6) throw refused(this.#archive, `its ${this.#stored} bytes would become more than ${MOST_GROWTH} times as many`);
    return file;
  }

  get files(): Packed[] {
    return [...this.#files.values()];
  }
}
