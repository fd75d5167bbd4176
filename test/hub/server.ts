/** A server that speaks the Hub's routes, with a second port for what the Hub keeps elsewhere, and does on demand what goes wrong in the world. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync as packed } from 'node:zlib';

export const COMMIT = '895c3a49bc3fa70a340399125c650a463535e71c';
export const ID = 'someone/tiny-vl';

/** What is done instead of the right answer. */
export type Fault =
  | { status: number; headers?: OutgoingHttpHeaders; body?: string }
  | { cut: number } // the connection breaks after so many bytes
  | { stall: number } // nothing more comes after so many bytes
  | { harm: (body: Buffer) => Buffer } // other bytes
  | { whole: true } // Range is not heard
  | { packed: true }; // as a proxy may do, asked or not

export type Seen = { host: 'hub' | 'cdn'; method: string; path: string; file: string; range: string | undefined; token: string | undefined };

type Stored = { data: Buffer; lfs: boolean };

/** Files of a model directory; from `large` bytes on they are stored elsewhere, as LFS does. */
export function filesIn(dir: string, large = 50_000): Map<string, Stored> {
  return new Map(readdirSync(dir).filter((name) => !/^(cases|expected)\./.test(name)).map((name) => {
    const data = readFileSync(join(dir, name));
    return [name, { data, lfs: data.length >= large }];
  }));
}

export const gitSha1 = (data: Buffer): string => createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
export const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
export const etagOf = ({ data, lfs }: Stored): string => (lfs ? sha256(data) : gitSha1(data));

export class FakeHub {
  readonly files: Map<string, Stored>;
  readonly seen: Seen[] = [];
  /** Asked before every answer. */
  fault: (request: Seen) => Fault | undefined = () => undefined;
  /** Changes the list of files before it is sent. */
  listing: (json: { sha: string; siblings: { rfilename: string; size?: number }[] }) => unknown = (json) => json;
  /** Headers of a file's address, to be changed. */
  about: (headers: OutgoingHttpHeaders, file: string) => OutgoingHttpHeaders = (headers) => headers;
  /** Answers as the Hub does for who may not: without this token. */
  token: string | undefined;
  refs = ['main', COMMIT];
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(files: Map<string, Stored>) {
    this.files = files;
    this.#hub = createServer((request, response) => this.#answer('hub', request, response));
    this.#cdn = createServer((request, response) => this.#answer('cdn', request, response));
  }

  static async start(files: Map<string, Stored>): Promise<FakeHub> {
    const hub = new FakeHub(files);
    await Promise.all([hub.#hub, hub.#cdn].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get elsewhere(): string {
    return `http://127.0.0.1:${(this.#cdn.address() as AddressInfo).port}`;
  }

  /** Requests for the bytes of files that are stored elsewhere. */
  get downloads(): Seen[] {
    return this.seen.filter(({ host, method }) => host === 'cdn' && method === 'GET');
  }

  stop(): void {
    for (const server of [this.#hub, this.#cdn]) {
      server.close();
      server.closeAllConnections();
    }
  }

  #answer(host: Seen['host'], request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname);
    const file = (host === 'cdn' ? /^\/signed\/(.+)$/ : /\/(?:resolve|resolve-cache\/models\/[^/]+\/[^/]+)\/(?:main|[0-9a-f]{40})\/(.+)$/).exec(path)?.[1] ?? '';
    const seen: Seen = { host, method: request.method!, path, file, range: request.headers.range, token: request.headers.authorization };
    this.seen.push(seen);
    const fault = this.fault(seen);
    if (fault && 'status' in fault) {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    if (host === 'hub' && this.token !== undefined && seen.token !== `Bearer ${this.token}`) {
      response.writeHead(401, { 'x-error-message': 'Invalid username or password.' }).end();
      return;
    }
    if (path === `/api/models/${ID}` || path.startsWith(`/api/models/${ID}/revision/`)) return this.#list(path, response);
    const stored = this.files.get(seen.file);
    const route = host === 'cdn' || [`/${ID}/resolve/main/`, `/${ID}/resolve/${COMMIT}/`, `/api/resolve-cache/models/${ID}/${COMMIT}/`].some((start) => path.startsWith(start));
    if (stored === undefined || !route) {
      const known = path.startsWith(`/${ID}/`);
      response.writeHead(404, known ? { 'x-error-code': 'EntryNotFound' } : { 'x-error-code': 'RepoNotFound', 'x-error-message': 'Repository not found' }).end();
      return;
    }
    const etag = `"${etagOf(stored)}"`;
    if (host === 'hub' && path.startsWith(`/${ID}/`)) {
      const to = stored.lfs ? `${this.elsewhere}/signed/${seen.file}?Signature=x` : `/api/resolve-cache/models/${ID}/${COMMIT}/${seen.file}`;
      const linked = stored.lfs ? { 'x-linked-etag': etag, 'x-linked-size': stored.data.length } : {};
      const headers = { 'x-repo-commit': COMMIT, location: to, ...linked, etag: 'W/"3-of-the-redirect"', 'content-length': 3 };
      response.writeHead(stored.lfs ? 302 : 307, this.about(headers, seen.file)).end(request.method === 'HEAD' ? undefined : 'see');
      return;
    }
    const own = host === 'cdn' ? { etag: '"another-of-the-cdn"' } : this.about({ etag, 'x-repo-commit': COMMIT }, seen.file);
    send(response, request.method === 'HEAD', stored.data, request.headers.range, own, fault);
  }

  #list(path: string, response: ServerResponse): void {
    const revision = path.split('/revision/')[1] ?? 'main';
    if (!this.refs.includes(revision)) {
      response.writeHead(404, { 'x-error-code': 'RevisionNotFound', 'x-error-message': `Invalid rev id: ${revision}` }).end();
      return;
    }
    const siblings = [...this.files].map(([rfilename, { data }]) => ({ rfilename, size: data.length }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.listing({ sha: COMMIT, siblings })));
  }
}

/** The bytes of a file or of a range of it, or some of them. */
function send(response: ServerResponse, head: boolean, data: Buffer, range: string | undefined, headers: OutgoingHttpHeaders, fault: Exclude<Fault, { status: number }> | undefined): void {
  const from = range === undefined || (fault && 'whole' in fault) ? 0 : Number(/^bytes=(\d+)-$/.exec(range)![1]);
  if (from > 0 && from >= data.length) {
    response.writeHead(416, { 'content-range': `bytes */${data.length}` }).end();
    return;
  }
  if (fault && 'packed' in fault) headers = { ...headers, 'content-encoding': 'gzip', etag: `W/${String(headers.etag)}` };
  const part = from === 0 ? {} : { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` };
  response.writeHead(from === 0 ? 200 : 206, { ...headers, ...part, 'accept-ranges': 'bytes', 'content-length': fault && 'packed' in fault ? packed(data).length : data.length - from });
  if (head) {
    response.end();
    return;
  }
  const body = data.subarray(from);
  if (fault && 'harm' in fault) response.end(fault.harm(Buffer.from(body)));
  else if (fault && 'cut' in fault) response.write(body.subarray(0, fault.cut), () => setTimeout(() => response.destroy(), 20));
  else if (fault && 'stall' in fault) response.write(body.subarray(0, fault.stall));
  else response.end(fault && 'packed' in fault ? packed(data) : body);
}
