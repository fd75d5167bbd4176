/** A model from the Hub into the cache, whole or to be continued. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { writeError } from '../files/write.ts';
import type { Environment } from '../files/cache.ts';
import { fileInfo, listFiles, type Listing, type RemoteFile } from './api.ts';
import { downloadBlob } from './blob.ts';
import { freeSpace, sizeOf } from '../files/look.ts';
import { blobPath, lockModel, place, placeOf, snapshotPath, writeRef, type Place } from './cache.ts';
import { chooseTexts, chooseWeights, isText, MAX_TEXT } from './choose.ts';
import { checkModelId, checkRevision } from './names.ts';
import { inParallel } from './parallel.ts';
import type { RetryOptions, Waiting } from './retry.ts';
import { checkRunnable } from './runnable.ts';
import { hubSettings, type HubSettings } from './settings.ts';

export type PullProgress = {
  /** The file that something happened to. */
  file: string;
  /** Bytes that are there, of so many in all. */
  done: number; total: number;
  /** Bytes that came over the network in this call. */
  fetched: number;
  /** Something failed and is tried again in so many seconds. */
  waiting?: Waiting;
};

export type PullOptions = {
  /** A branch, a tag or a commit. Default: main. */
  revision?: string;
  onProgress?: (progress: PullProgress) => void;
  signal?: AbortSignal;
  /** HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and the like. Default: the process's. */
  env?: Environment;
  /** Seconds to wait before each further try in a row; as many tries. Default: 1, 2, 4, 8, 16. */
  pauses?: readonly number[];
};

export type Pulled = {
  id: string; revision: string; commit: string;
  /** The model directory, for load(). */
  dir: string;
  files: { path: string; size: number; etag: string }[];
  /** Of all files, and of those that came over the network now. */
  bytes: number; fetched: number;
};

/** Fetches a model that stave can run; what is there already is not fetched again. Stopped anywhere, the next call goes on where it was.
 * @throws USAGE, MODEL_CONFIG for a model that stave can't run (found before its weights are fetched), HUB_…, IO, the signal's reason */
export async function pull(id: string, { revision = 'main', onProgress, signal = new AbortController().signal, env, pauses }: PullOptions = {}): Promise<Pulled> {
  checkModelId(id);
  checkRevision(revision);
  signal.throwIfAborted();
  const hub = await hubSettings(env);
  const listing = await listFiles(hub, id, revision, { signal, pauses, onWait: (waiting) => onProgress?.({ file: '', done: 0, total: 0, fetched: 0, waiting }) });
  const where = placeOf(hub.cache, id);
  await using _ = await lockModel(where);
  await makeFolder(join(where.root, 'blobs')).catch((cause: unknown) => { throw writeError(where.root, cause); });
  return await new Pull(hub, where, revision, listing, { signal, pauses }, onProgress).run(); // awaited: the lock is held until then
}

class Pull {
  readonly #hub: HubSettings;
  readonly #place: Place;
  readonly #revision: string;
  readonly #listing: Listing;
  readonly #retry: RetryOptions;
  readonly #onProgress: PullOptions['onProgress'];
  /** Bytes there by ETag, and all that are wanted. */
  readonly #at = new Map<string, number>();
  #total = 0;
  #fetched = 0;

  constructor(hub: HubSettings, where: Place, revision: string, listing: Listing, retry: RetryOptions, onProgress: PullOptions['onProgress']) {
    this.#hub = hub;
    this.#place = where;
    this.#revision = revision;
    this.#listing = listing;
    this.#retry = { ...retry, onWait: (waiting) => this.#tell('', waiting) };
    this.#onProgress = onProgress;
  }

  async run(): Promise<Pulled> {
    const { id } = this.#place;
    const { commit, files: listed } = this.#listing;
    const { texts, index } = chooseTexts(listed, id);
    // what decides whether the rest is worth fetching comes first
    const config = await this.#about('config.json');
    checkRunnable(await readFile(await this.#get(config), 'utf8'), `config.json of ${id}`);
    const first = index === undefined ? [config] : [config, await this.#about(index)];
    const weights = await chooseWeights(listed, id, index && (await this.#get(first[1])));
    const rest = [...texts.filter((name) => name !== 'config.json'), ...weights];
    const files = [...first, ...(await inParallel(rest, (path, signal) => this.#about(path, signal), this.#retry.signal))];

    const unlike = [...new Map(files.map((file) => [file.etag, file])).values()]; // files of one content are one blob
    this.#total = unlike.reduce((sum, { size }) => sum + size, 0);
    await this.#checkSpace(unlike);
    await inParallel(unlike, (file, signal) => this.#get(file, signal), this.#retry.signal);

    // The names come last, and of them those of the weights: who finds them finds all.
    const dir = snapshotPath(this.#place, commit);
    for (const { path, etag } of files) if ((await sizeOf(blobPath(this.#place, etag))) !== undefined) await place(blobPath(this.#place, etag), join(dir, path), this.#hub.symlinks);
    await writeRef(this.#place, this.#revision, commit);
    return { id, revision: this.#revision, commit, dir, files: files.map(({ path, size, etag }) => ({ path, size, etag })), bytes: this.#total, fetched: this.#fetched };
  }

  async #about(path: string, signal = this.#retry.signal): Promise<RemoteFile> {
    const { id } = this.#place;
    const file = await fileInfo(this.#hub, { id, commit: this.#listing.commit, path, listed: this.#listing.files.get(path) }, { ...this.#retry, signal });
    if (isText(path) && file.size > MAX_TEXT) throw new StaveError('HUB_CORRUPT', { what: `${path} of ${id} has ${file.size} bytes`, why: `for such a file at most ${MAX_TEXT} are taken`, fix: 'use another model' });
    return file;
  }

  /** Where the bytes of a file are: a blob, or in the snapshot itself, where another client could make no links. */
  async #found({ path, size, etag }: RemoteFile): Promise<string | undefined> {
    for (const there of [blobPath(this.#place, etag), join(snapshotPath(this.#place, this.#listing.commit), path)]) if ((await sizeOf(there)) === size) return there;
    return undefined;
  }

  /** @returns where its bytes are */
  async #get(file: RemoteFile, signal = this.#retry.signal): Promise<string> {
    const { path, size, etag } = file;
    const found = await this.#found(file);
    this.#at.set(etag, found === undefined ? 0 : size);
    if (found !== undefined) return found;
    const blob = blobPath(this.#place, etag);
    const onBytes = (at: number, came: number): void => {
      this.#at.set(etag, at);
      this.#fetched += came;
      this.#tell(path);
    };
    await downloadBlob(this.#hub, { id: this.#place.id, revision: this.#revision, file: path }, file, blob, { ...this.#retry, signal, onBytes });
    return blob;
  }

  /** @throws IO when what is missing has no room */
  async #checkSpace(files: readonly RemoteFile[]): Promise<void> {
    let need = 0;
    for (const file of files) if ((await this.#found(file)) === undefined) need += file.size - Math.min(file.size, (await sizeOf(`${blobPath(this.#place, file.etag)}.incomplete`)) ?? 0);
    const free = await freeSpace(this.#place.root);
    if (free === undefined || need <= free) return;
    throw new StaveError('IO', { what: `${this.#place.id} needs ${gb(need)} more, and the disk of ${this.#place.cache} has ${gb(free)} free`, fix: 'make room ("stave models" lists what is there), or set HF_HUB_CACHE to a folder on another disk' });
  }

  #tell(file: string, waiting?: Waiting): void {
    const done = [...this.#at.values()].reduce((sum, at) => sum + at, 0);
    this.#onProgress?.({ file, done, total: Math.max(done, this.#total), fetched: this.#fetched, ...(waiting && { waiting }) });
  }
}

const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
