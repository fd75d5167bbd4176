/** One file from the Hub into the cache: what came stays when the connection breaks, and nothing is installed that has another hash. */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StaveError } from '../errors.ts';
import { syncDirectory, writeError } from '../files/write.ts';
import type { RemoteFile } from './api.ts';
import { send } from './http.ts';
import { checkStatus, type Wanted } from './refusals.ts';
import { Passing, retrying, type RetryOptions } from './retry.ts';
import type { HubSettings } from './settings.ts';

export type BlobOptions = RetryOptions & {
  /** @param at bytes that are there  @param came how many of them came just now, over the network */
  onBytes?: (at: number, came: number) => void;
};

/** Downloads to `<blob>.incomplete`, goes on with what is there already, checks the hash, renames. Only one process may do so with a blob at a time.
 * @throws HUB_CORRUPT for other bytes than the hash is of, HUB_…, IO, the signal's reason */
export async function downloadBlob(hub: HubSettings, wanted: Wanted, file: RemoteFile, blob: string, options: BlobOptions): Promise<void> {
  const partial = `${blob}.incomplete`;
  try {
    const handle = await open(partial, constants.O_RDWR | constants.O_CREAT);
    try {
      const coming = await Coming.begin(handle, file, options);
      const resumed = coming.at > 0;
      await fill(hub, wanted, file, coming, options);
      if (coming.hash() !== file.etag) {
        await coming.restart();
        if (!resumed) throw wrongBytes(file, 'their hash is another');
        await fill(hub, wanted, file, coming, options); // the part from before may be at fault
        if (coming.hash() !== file.etag) throw wrongBytes(file, 'their hash is another');
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, blob);
    await syncDirectory(dirname(blob));
  } catch (cause) {
    if (cause instanceof StaveError && cause.code === 'HUB_CORRUPT') await rm(partial, { force: true });
    options.signal.throwIfAborted(); // the reason is the caller's, and may look like an error of the file system
    throw writeError(partial, cause, file.size);
  }
}

/** A file that is coming in: its bytes so far and their hash. */
class Coming {
  readonly #handle: FileHandle;
  readonly #file: RemoteFile;
  readonly #onBytes: BlobOptions['onBytes'];
  #hash: Hash;
  at = 0;

  private constructor(handle: FileHandle, file: RemoteFile, onBytes: BlobOptions['onBytes']) {
    this.#handle = handle;
    this.#file = file;
    this.#onBytes = onBytes;
    this.#hash = newHash(file);
  }

  /** With what an earlier download has left. */
  static async begin(handle: FileHandle, file: RemoteFile, { onBytes, signal }: BlobOptions): Promise<Coming> {
    const coming = new Coming(handle, file, onBytes);
    const { size } = await handle.stat();
    if (size > file.size) await handle.truncate(0);
    const buffer = Buffer.alloc(4 << 20);
    while (size <= file.size && coming.at < size) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, coming.at);
      if (bytesRead === 0) break;
      coming.#took(buffer.subarray(0, bytesRead), 0);
    }
    return coming;
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) written += (await this.#handle.write(bytes, written, bytes.length - written, this.at + written)).bytesWritten;
    this.#took(bytes, bytes.length);
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.at = 0;
    this.#hash = newHash(this.#file);
    this.#onBytes?.(0, 0);
  }

  /** Of all that came; nothing can be added after. */
  hash(): string {
    return this.#hash.digest('hex');
  }

  #took(bytes: Uint8Array, came: number): void {
    this.#hash.update(bytes);
    this.at += bytes.length;
    this.#onBytes?.(this.at, came);
  }
}

/** Until all bytes are there. */
async function fill(hub: HubSettings, wanted: Wanted, file: RemoteFile, coming: Coming, options: BlobOptions): Promise<void> {
  await retrying(async (further) => {
    if (coming.at === file.size) return;
    const headers: Record<string, string> = coming.at > 0 ? { range: `bytes=${coming.at}-` } : {};
    const reply = await send(hub, { method: 'GET', url: file.url, headers, elsewhere: true, signal: options.signal });
    if (reply.status === 416 || (reply.status === 206 && !isRest(reply.own.get('content-range'), file, coming.at))) {
      await reply.discard();
      await coming.restart();
      throw new Passing(`${new URL(file.url).host} does not give the rest of ${file.path}`);
    }
    checkStatus(reply, hub, wanted, [200, 206]);
    if (reply.status === 200 && coming.at > 0) await coming.restart(); // it sends the whole
    for await (const bytes of reply.body()) {
      if (coming.at + bytes.length > file.size) throw wrongBytes(file, `there are more than the ${file.size} it should have`);
      await coming.add(bytes);
      further();
    }
    if (coming.at < file.size) throw new Passing(`${file.path} ended after ${coming.at} of ${file.size} bytes`);
  }, options);
}

/** Whether a Content-Range is of the part that was asked for. */
function isRest(range: string | null, file: RemoteFile, at: number): boolean {
  const [, from, of] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? '') ?? [];
  return from === String(at) && (of === '*' || of === String(file.size));
}

/** SHA-256 of the bytes, or the SHA-1 of a git object: the ETag's length tells. */
function newHash({ etag, size }: RemoteFile): Hash {
  return etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

function wrongBytes({ path, etag, url }: RemoteFile, why: string): StaveError {
  return new StaveError('HUB_CORRUPT', { what: `the bytes that came for ${path} are not those of the model`, why: `${why} (expected ${etag} from ${new URL(url).host})`, fix: 'nothing of it was kept: run the same command again. If it comes again, a proxy or mirror in between is at fault' });
}
