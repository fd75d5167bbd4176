import { once } from 'node:events';
import { addAbortSignal, Readable } from 'node:stream';
import { Parser, type ReadEntry } from 'tar';
import { StaveError } from '../../errors.ts';
import { Contents, damaged, refused, type Archive, type Format, type Packed } from './archive.ts';
import { bytesOf } from './parts.ts';

const files: readonly string[] = ['File', 'OldFile', 'ContiguousFile'], folders: readonly string[] = ['Directory', 'GNUDumpDir'];

/** Archives that gzip has made smaller, or zstd (where Node has it), or nothing. They are gone through from their beginning, for names and sizes too. */
export const tar: Format = {
  async list(archive, signal) {
    const contents = new Contents(archive);
    await walk(archive, contents, signal, () => undefined);
    return contents.files;
  },
  read: (archive, wanted, take, signal) => walk(archive, new Contents(archive), signal, (file, content) => (wanted.has(file.path) ? take(file, content()) : undefined)),
};

/** Goes through an archive, file after file; the next one when what `visit` does with the content of one is done. The content fails when the archive does.
 * @throws DATA for what goes wrong with the archive; what `visit` throws; the signal's reason */
async function walk(archive: Archive, contents: Contents, signal: AbortSignal | undefined, visit: (file: Packed, content: () => Readable) => Promise<void> | undefined): Promise<void> {
  const unknown = /\.tar\.(xz|bz2)$/.exec(archive.name)?.[1];
  if (unknown !== undefined) throw refused(archive, `it is compressed with ${unknown}, which Node cannot undo`, 'unpack it yourself, where it lies');
  const stop = new AbortController();
  const failed = (error: unknown): void => stop.abort(error);
  let last = Promise.resolve(), whole = false;
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      last = last.then(async () => {
        stop.signal.throwIfAborted();
        const file = fileOf(entry, archive, contents);
        if (file !== undefined) await visit(file, () => addAbortSignal(stop.signal, Readable.from(entry, { objectMode: false })));
        entry.resume(); // what nobody wanted
      }).catch(failed);
    },
  });
  parser.on('error', failed);
  parser.on('ignoredEntry', ({ path, type }: ReadEntry) => failed(noFile(archive, path, type)));
  parser.on('eof', () => (whole = true)); // the empty blocks at the end
  const ended = once(parser, 'end', { signal: stop.signal });
  ended.catch(() => {}); // told below
  try {
    for await (const chunk of bytesOf(archive.parts, { signal })) {
      if (!parser.write(chunk)) await once(parser, 'drain', { signal: stop.signal });
      stop.signal.throwIfAborted();
    }
    parser.end();
    await ended;
    await last;
    stop.signal.throwIfAborted();
    if (!whole) throw new Error('its end is missing');
  } catch (error) {
    stop.abort(error); // where it wasn't yet: nothing more is visited
    await last;
    signal?.throwIfAborted();
    const cause: unknown = stop.signal.reason;
    throw cause instanceof StaveError ? cause : damaged(archive, cause);
  }
}

/** @returns undefined for a folder  @throws DATA for what is no file, and as Contents does */
function fileOf({ path, type, size, header }: ReadEntry, archive: Archive, contents: Contents): Packed | undefined {
  if (folders.includes(type)) return undefined;
  if (!files.includes(type)) throw noFile(archive, path, type);
  if (size !== header.size) throw refused(archive, `${path} has two sizes, ${size} and ${header.size} bytes`);
  return contents.add(path, size);
}

const noFile = (archive: Archive, path: string, type: string): StaveError => refused(archive, `${path} is a link, a device or something else that is no file (${type})`);
