/** What the Hub is asked: which files a model has, and size and hash of one. */
import { StaveError } from '../errors.ts';
import { send, text } from './http.ts';
import { tryJson } from './json.ts';
import { checkFileName, isCommit } from './names.ts';
import { checkStatus, type Wanted } from './refusals.ts';
import { retrying, type RetryOptions } from './retry.ts';
import type { HubSettings } from './settings.ts';

/** Bytes of a list of files; a model of a thousand shards has some 200 KB. */
const MAX_LISTING = 16 << 20;

export type Listing = {
  commit: string;
  /** Sizes by name, where the Hub tells them. */
  files: Map<string, number | undefined>;
};

export type RemoteFile = {
  path: string;
  size: number;
  /** The ETag: SHA-256 of a large file (LFS), the SHA-1 that git gives a small one. Its name among the blobs. */
  etag: string;
  url: string;
};

/** The commit that a revision stands for, and its files. @throws HUB_… */
export async function listFiles(hub: HubSettings, id: string, revision: string, options: RetryOptions): Promise<Listing> {
  const url = `${hub.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const body = await retrying(async () => {
    const reply = await send(hub, { method: 'GET', url, elsewhere: true, signal: options.signal });
    checkStatus(reply, hub, { id, revision });
    return text(reply, MAX_LISTING, `the list of the files of ${id}`);
  }, { ...options, patient: false });
  const json = tryJson(body);
  const { sha, siblings } = (json ?? {}) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== 'string' || !isCommit(sha) || !Array.isArray(siblings)) throw unlike(hub, `its answer about ${id} has no commit or no list of files`);
  const files = new Map<string, number | undefined>();
  for (const sibling of siblings as unknown[]) {
    const { rfilename, size } = (sibling ?? {}) as { rfilename?: unknown; size?: unknown };
    if (typeof rfilename !== 'string') throw unlike(hub, `a file of ${id} has no name`);
    if (!rfilename.includes('\\')) checkFileName(rfilename); // git allows a backslash: such a file is none of those we take
    files.set(rfilename, isSize(size) ? size : undefined);
  }
  return { commit: sha, files };
}

/** Size and hash of a file, from the headers that come before its bytes. @throws HUB_… */
export async function fileInfo(hub: HubSettings, { id, commit, path, listed }: { id: string; commit: string; path: string; listed: number | undefined }, options: RetryOptions): Promise<RemoteFile> {
  const url = `${hub.endpoint}/${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
  const wanted: Wanted = { id, revision: commit, file: path };
  const reply = await retrying(async () => {
    const answer = await send(hub, { method: 'HEAD', url, signal: options.signal });
    checkStatus(answer, hub, wanted, [200, 301, 302, 303, 307, 308]);
    return answer;
  }, options);
  const at = reply.header('x-repo-commit');
  if (at !== null && at !== commit) throw unlike(hub, `it was asked for ${path} at commit ${commit} and speaks of another`);
  const etag = (reply.header('x-linked-etag') ?? reply.own.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '');
  if (!/^(?:[0-9a-f]{64}|[0-9a-f]{40})$/.test(etag)) throw unlike(hub, `it gives no hash of ${path} (X-Linked-Etag or ETag), so that what comes could not be verified`);
  const plain = reply.status === 200 && !reply.own.has('content-encoding'); // else it is the length of something else
  const told = reply.header('x-linked-size') ?? (plain ? reply.own.get('content-length') : null);
  const size = told === null ? listed : Number(told);
  if (!isSize(size)) throw unlike(hub, `it does not say how long ${path} is`);
  return { path, size, etag, url };
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function unlike({ endpoint }: HubSettings, why: string): StaveError {
  return new StaveError('HUB_CORRUPT', { what: `${endpoint} does not answer as the Hub does`, why, fix: 'check HF_ENDPOINT and the proxy, if there is one' });
}
