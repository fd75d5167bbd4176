/** Failures that pass, and how long to wait for that. */
import { setTimeout } from 'node:timers/promises';
import { StaveError } from '../errors.ts';
import { printable } from './names.ts';

/** Names that system and engine give to a server that is not there at all, as opposed to one that broke off. */
const absent = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** Trouble with a connection that trying again may end. */
export class Passing extends Error {
  /** Seconds that the server asks to wait. */
  readonly wait: number | undefined;
  /** The server was never reached. */
  readonly absent: boolean;

  constructor(why: string, { wait, absent = false, cause }: { wait?: number; absent?: boolean; cause?: unknown } = {}) {
    super(why, { cause });
    this.wait = wait;
    this.absent = absent;
  }

  /** Of what fetch throws: the reason is in its cause. @returns HUB_… for what does not pass */
  static from(thrown: unknown, host: string): Error {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const { code = '', message } = cause as NodeJS.ErrnoException;
    if (code === 'UND_ERR_HEADERS_OVERFLOW' || code.startsWith('HPE_')) return new StaveError('HUB_CORRUPT', { what: `${host} does not answer as the Hub does`, why: printable(message), fix: 'check HF_ENDPOINT and the proxy, if there is one', cause });
    if (/CERT|SIGNED|SSL|TLS|ISSUER/.test(code)) return new StaveError('HUB_UNREACHABLE', { what: `the connection to ${host} is not secure`, why: `${printable(message)} (${code})`, fix: 'if a proxy of yours answers for it, name its certificate: NODE_EXTRA_CA_CERTS=FILE', cause });
    if (message === 'bad port') return new StaveError('HUB_UNREACHABLE', { what: 'the Hub cannot be reached', why: `${host}: the web's rules forbid to connect to that port`, fix: 'check HF_ENDPOINT', cause });
    return new Passing(absent.has(code) ? `${host} cannot be reached: ${code}` : `the connection to ${host} was cut: ${printable(code || message)}`, { absent: absent.has(code), cause });
  }
}

/** Waiting before the next try: told to whoever shows progress. */
export type Waiting = { seconds: number; why: string };

export type RetryOptions = {
  signal: AbortSignal;
  onWait?: (waiting: Waiting) => void;
  /** Seconds to wait before each further try in a row; as many tries. */
  pauses?: readonly number[];
  /** Also when the server cannot be reached at all. Not at first: without a network, a user should be told at once. */
  patient?: boolean;
  /** What is thrown in the end. Default: HUB_UNREACHABLE. */
  failure?: (error: Passing, advice?: string) => Error;
};

/** 31 s in all: an access point that restarts, a server that is replaced. */
export const pauses: readonly number[] = [1, 2, 4, 8, 16];

/** What a server may ask for: the Hub counts requests over five minutes. */
const MAX_WAIT = 600;

/** Does it until it works, or fails for a reason that does not pass, or `pauses` are used up. A try that got further begins them anew.
 * @param work is given how to say that it got further  @throws HUB_UNREACHABLE (or `failure`), what `work` throws, the signal's reason */
export async function retrying<T>(work: (further: () => void) => Promise<T>, { signal, onWait, pauses: list = pauses, patient = true, failure = unreachable }: RetryOptions): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work(() => (tries = 0));
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      signal.throwIfAborted();
      const { wait, message: why } = error;
      if (tries >= list.length || (error.absent && !patient)) throw failure(error);
      if (wait !== undefined && wait > MAX_WAIT) throw failure(error, `it asks to wait ${Math.ceil(wait / 60)} minutes: run the same command again then`);
      const seconds = wait ?? list[tries] * (0.75 + Math.random() / 2); // not all who were cut off at once come back at once
      onWait?.({ seconds, why });
      await setTimeout(seconds * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function unreachable(error: Passing, advice?: string): StaveError {
  const fix = advice ?? (error.absent
    ? 'check the network, and HF_ENDPOINT if it is set; behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1. What was pulled before works without'
    : 'run the same command again: what has come is kept');
  return new StaveError('HUB_UNREACHABLE', { what: error.absent ? 'the Hub cannot be reached' : 'the Hub does not deliver', why: error.message, fix, cause: error });
}

/** Seconds that an answer asks to wait: Retry-After as a number or a date, or the Hub's `RateLimit: "api";r=0;t=55`. */
export function askedWait(headers: Headers): number | undefined {
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = /^\d+$/.test(after.trim()) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
    if (Number.isFinite(seconds)) return Math.max(0, seconds);
  }
  const reset = /;\s*r=0\s*;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '');
  return reset === null ? undefined : Number(reset[1]);
}
