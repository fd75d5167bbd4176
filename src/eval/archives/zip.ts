import { constants } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl';
import { StaveError } from '../../errors.ts';
import { Contents, damaged, refused, type Archive, type Format, type Packed, type Part } from './archive.ts';
import { bytesOf } from './parts.ts';

export const zip: Format = {
  list: (archive, signal) => withZip(archive, signal, async (opened) => (await entriesOf(opened, archive)).map(({ file }) => file)),
  read: (archive, wanted, take, signal) => withZip(archive, signal, async (opened) => {
    for (const { file, entry } of await entriesOf(opened, archive)) {
      if (!wanted.has(file.path)) continue;
      signal?.throwIfAborted();
      const content = await opened.openReadStreamPromise(entry); // refuses other sizes than stated
      const checked = checksum(entry);
      content.on('error', (error) => checked.destroy(error));
      await take(file, content.pipe(checked)).finally(() => content.destroy());
    }
  }),
};

/** @throws DATA for what goes wrong with the archive; what `use` throws of its own */
async function withZip<T>(archive: Archive, signal: AbortSignal | undefined, use: (opened: ZipFile) => Promise<T>): Promise<T> {
  let opened: ZipFile | undefined;
  try {
    opened = await fromRandomAccessReaderPromise(new Joined(archive.parts), archive.parts.reduce((sum, { bytes }) => sum + bytes, 0), { lazyEntries: true, autoClose: false, strictFileNames: true });
    return await use(opened);
  } catch (cause) {
    throw cause instanceof StaveError || signal?.aborted ? cause : damaged(archive, cause);
  } finally {
    opened?.close();
  }
}

class Joined extends RandomAccessReader {
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    super();
    this.#parts = parts;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(bytesOf(this.#parts, { start, end }), { objectMode: false });
  }
}

async function entriesOf(opened: ZipFile, archive: Archive): Promise<{ file: Packed; entry: Entry }[]> {
  const contents = new Contents(archive);
  const entries: { file: Packed; entry: Entry }[] = [];
  for await (const entry of opened.eachEntry()) {
    const { fileName, uncompressedSize, externalFileAttributes } = entry;
    if (fileName.endsWith('/')) continue;
    const kind = (externalFileAttributes >>> 16) & constants.S_IFMT; // 0 where the archive was made on a system without
    if (kind !== 0 && kind !== constants.S_IFREG) throw refused(archive, `${fileName} is a link or a device`);
    if (entry.isEncrypted()) throw refused(archive, `${fileName} is encrypted`);
    entries.push({ file: contents.add(fileName, uncompressedSize), entry });
  }
  return entries;
}

/** Lets a content pass; fails in the end when its checksum is not the one that the archive states. */
function checksum({ fileName, crc32 }: Entry): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (typeof zlib.crc32 === 'function') sum = zlib.crc32(chunk, sum); // Node 20.15 and later
      done(null, chunk);
    },
    flush(done) {
      done(typeof zlib.crc32 === 'function' && sum !== crc32 ? new Error(`the checksum of ${fileName} is not the one stated`) : null);
    },
  });
}
