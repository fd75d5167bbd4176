/** A judge behind the chat API that OpenAI began and many servers speak. */
import { StaveError } from '../../errors.ts';
import { printable } from '../../hub/names.ts';
import { askedWait, Passing, retrying, type Waiting } from '../../hub/retry.ts';
import type { JudgeRequest } from '../../tasks/index.ts';
import type { Judge } from './judge.ts';

export type EndpointOptions = {
  /** Its base, as `https://api.openai.com/v1`, or the address of `chat/completions` itself. */
  url: string;
  /** Default: the model that the protocol names. */
  model?: string;
  /** Sent as the bearer's token, shown nowhere. */
  key?: string;
  /** Default 4. */
  concurrency?: number;
  /** Seconds for one reply. Default 60. */
  timeout?: number;
  /** Seconds before each further try of a request that failed for a reason that may pass; as many tries. */
  pauses?: readonly number[];
  onWait?: (waiting: Waiting) => void;
  /** What it is called in messages. Default `judge`. */
  called?: string;
};

/** A minute and a half in all. */
const PAUSES = [1, 2, 4, 8, 16, 32];

/** Bytes of a reply; a verdict is a word, its model's reasons a few pages. */
const MOST = 4e6;

/** @throws USAGE for what is no address */
export function endpointJudge({ url, model, key, concurrency = 4, timeout = 60, pauses = PAUSES, onWait, called = 'judge' }: EndpointOptions): Judge {
  const address = completions(url, called);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) throw new StaveError('USAGE', { what: `the key of the ${called} holds characters that a key does not have`, fix: 'copy it again: one word' });
  const hidden = (text: string): string => printable(key === undefined ? text : text.replaceAll(key, '…'), 300);
  const failed = (why: string, fix: string, cause?: unknown) => new StaveError('JUDGE', { what: `the ${called} at ${address.host} cannot be asked`, why: hidden(why), fix, cause });

  /** @throws Passing for what may work a moment later, JUDGE for what won't */
  async function once(body: string, signal: AbortSignal): Promise<string> {
    const late = AbortSignal.timeout(timeout * 1000);
    try {
      const response = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': 'stave', ...(key !== undefined && { authorization: `Bearer ${key}` }) }, body, redirect: 'manual', signal: AbortSignal.any([signal, late]) });
      const text = await bounded(response);
      if (response.ok) return replyIn(text);
      const why = `it answers ${response.status}${messageIn(text)}`;
      if (response.status === 429 || response.status === 408 || response.status >= 500) throw new Passing(hidden(why), { wait: askedWait(response.headers) });
      throw failed(why, response.status === 401 || response.status === 403 ? 'check the key, and the environment variable that holds it' : 'check the address and the name of the model');
    } catch (error) {
      if (error instanceof StaveError || error instanceof Passing) throw error;
      signal.throwIfAborted();
      if (late.aborted) throw new Passing(`${address.host} gave no reply within ${timeout} s`);
      const passing = Passing.from(error, address.host);
      throw passing instanceof StaveError ? failed(passing.message, 'check the address', passing) : passing;
    }
  }

  return {
    concurrency,
    name: async () => ({ kind: 'endpoint', url: address.href, model: model ?? null }),
    open: async () => ({
      ask: (request, _attempt, signal) => {
        const body = JSON.stringify(bodyOf(request, model));
        return retrying(() => once(body, signal), { signal, pauses, onWait, failure: ({ message }, advice) => failed(message, advice ?? 'run the same command again: all answers and verdicts so far are kept') });
      },
      async [Symbol.asyncDispose]() {},
    }),
  };
}

function completions(text: string, called: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new StaveError('USAGE', { what: `"${text.replace(/\/\/[^@/]*@/, '//…@').replace(/[?#].*$/, '')}" is no address of a ${called}`, fix: 'give an address like http://localhost:8000/v1, without a name, password or key in it' });
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/chat/completions') ? path : `${path}/chat/completions`;
  return url;
}

/** The request as the protocol has it; `max_new_tokens` is what transformers call `max_tokens`. */
function bodyOf({ model, messages, settings: { max_new_tokens, ...settings } }: JudgeRequest, named: string | undefined): object {
  return { model: named ?? model, messages, ...(max_new_tokens !== undefined && { max_tokens: max_new_tokens }), ...settings };
}

async function bounded({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body ?? []) {
    length += piece.length;
    if (length > MOST) throw new Passing(`its reply is longer than ${MOST} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** @throws Passing where there is no text: a gateway that answers for a server which is just starting sends all kinds of things */
function replyIn(text: string): string {
  const content = (tryJson(text) as { choices?: { message?: { content?: unknown } }[] } | null | undefined)?.choices?.[0]?.message?.content;
  if (typeof content === 'string') return content;
  throw new Passing(`its reply holds no text: ${printable(text, 120)}`);
}

function messageIn(text: string): string {
  const error = (tryJson(text) as { error?: { message?: unknown } | string } | null | undefined)?.error;
  const message = typeof error === 'object' ? error.message : error;
  return typeof message === 'string' ? `: ${message}` : text.trim() === '' ? '' : `: ${text}`;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
