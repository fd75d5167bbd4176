/** One request to the Hub: redirects followed by hand, so that the token stays with the host it is for, and everything bounded. */
import { StaveError } from '../errors.ts';
import { printable } from './names.ts';
import { Passing } from './retry.ts';
import type { HubSettings } from './settings.ts';

const MAX_REDIRECTS = 8;

export type Ask = {
  method: 'GET' | 'HEAD';
  url: string;
  headers?: Record<string, string>;
  /** Go on to another host. A question about a file ends before: the Hub has answered it in the redirect's headers. */
  elsewhere?: boolean;
  signal: AbortSignal;
};

/** What came, and who sent it. */
export type Reply = {
  status: number;
  /** As the first of the answers on the way that has the header says: a redirect speaks of the file, its target of a copy. */
  header(name: string): string | null;
  /** Of the last answer alone. */
  own: Headers;
  /** The last answer came from another host than the first one. */
  foreign: boolean;
  /** Its bytes as they come. Read them to the end, or leave the loop: either frees the connection. @throws Passing when they stop coming */
  body(): AsyncGenerator<Uint8Array>;
  /** Frees the connection without reading them. */
  discard(): Promise<void>;
};

/** @throws Passing for what may work a moment later: no connection, a cut, no answer; HUB_CORRUPT for an answer that no Hub gives */
export async function send({ endpoint, token, timeout }: HubSettings, { method, url: first, headers = {}, elsewhere = false, signal }: Ask): Promise<Reply> {
  const origin = new URL(endpoint).origin;
  const seen: Headers[] = [];
  let url = new URL(first);
  let trusted = url.origin === origin;
  for (let hops = 0; ; hops++) {
    const response = await receive(url, { method, headers: { 'user-agent': 'stave', 'accept-encoding': 'identity', ...headers, ...(trusted && token !== undefined && { authorization: `Bearer ${token}` }) } }, timeout, signal);
    seen.push(response.headers);
    const target = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    const next = target === null ? undefined : redirect(url, target);
    if (next === undefined || (!elsewhere && next.origin !== url.origin)) {
      const header = (name: string): string | null => seen.map((h) => h.get(name)).find((value) => value !== null) ?? null;
      return { status: response.status, header, own: response.headers, foreign: url.origin !== origin, body: () => read(response, timeout, signal), discard: () => discard(response) };
    }
    await discard(response);
    if (hops === MAX_REDIRECTS) throw new StaveError('HUB_CORRUPT', { what: `${url.origin} sends from one address to the next without end`, fix: 'check HF_ENDPOINT' });
    if (next.origin !== url.origin) trusted = false; // for good: who was sent away is not sent back with our token
    url = next;
  }
}

/** @throws HUB_CORRUPT when it leads where no download is */
function redirect(from: URL, location: string): URL {
  let to: URL | undefined;
  try {
    to = new URL(location, from);
  } catch { /* said below */ }
  const may = from.protocol === 'https:' ? ['https:'] : ['https:', 'http:'];
  if (to !== undefined && may.includes(to.protocol) && to.username === '' && to.password === '') return to;
  throw new StaveError('HUB_CORRUPT', { what: `${from.origin} sends on to "${printable(location)}"`, why: from.protocol === 'https:' ? 'downloads are taken from https:// only' : 'downloads are taken from https:// and http:// only', fix: 'check HF_ENDPOINT and the proxy, if there is one' });
}

/** The head of an answer. Its size is bounded by Node: 16 KB. */
async function receive(url: URL, init: RequestInit, timeout: number, signal: AbortSignal): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeout);
  const abort = (): void => late.abort();
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await fetch(url, { ...init, redirect: 'manual', signal: late.signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw late.signal.aborted ? new Passing(`${url.host} did not answer within ${timeout / 1000} s`) : Passing.from(cause, url.host);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

async function discard({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => {});
}

async function* read(response: Response, timeout: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const { host } = new URL(response.url);
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), timeout, host, signal);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function within<T>(promise: Promise<T>, timeout: number, host: string, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop!: (reason: unknown) => void;
  const stopped = new Promise<never>((_, reject) => (stop = reject));
  const abort = (): void => stop(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => stop(new Passing(`nothing came from ${host} for ${timeout / 1000} s`)), timeout);
  try {
    return await Promise.race([promise, stopped]);
  } catch (cause) {
    promise.catch(() => {}); // its connection is being closed
    throw cause instanceof Passing || cause === signal.reason ? cause : Passing.from(cause, host);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** A short answer as text. @throws HUB_CORRUPT when it is longer than `limit` bytes */
export async function text(reply: Reply, limit: number, what: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of reply.body()) {
    length += piece.length;
    if (length > limit) throw new StaveError('HUB_CORRUPT', { what: `${what} is longer than ${limit} bytes`, fix: 'check HF_ENDPOINT; no real answer is as long' });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
