/** Calls into a worker thread: answers by number, cancellation, and what happens to everyone waiting when the worker dies. */
import { Worker } from 'node:worker_threads';
import { StaveError } from '../errors.ts';
import { guardExit, newGate } from './gate.ts';
import { states, type Answers, type Kind, type Reply, type Requests } from './protocol.ts';

type Waiting = { state: Int32Array; resolve: (answer: never) => void; reject: (error: unknown) => void };

export type CallOptions = { transfer?: ArrayBuffer[]; signal?: AbortSignal };

/** One worker. It keeps the process alive only while a call is waiting. */
export class Channel {
  #worker: Worker;
  #waiting = new Map<number, Waiting>();
  #next = 0;
  #dead: StaveError | undefined;
  #exited: Promise<void>;

  constructor(url: URL, resourceLimits?: { maxOldGenerationSizeMb?: number }) {
    // The process's own flags are not the worker's: with --input-type, say, it would not start.
    const gate = newGate();
    const forget = guardExit(gate);
    this.#worker = new Worker(url, { name: 'stave runtime', execArgv: [], resourceLimits, workerData: { gate } });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    let cause: unknown;
    this.#worker.on('error', (error: unknown) => (cause = error));
    this.#worker.on('messageerror', (error: unknown) => {
      cause = error; // an answer was lost (no memory for it?), and nobody knows whose
      void this.#worker.terminate();
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        forget();
        this.#die(crashed(code, cause));
        resolve();
      });
    });
  }

  /** @throws what the worker threw as StaveError; RUNTIME when it died or is closed; the signal's reason when aborted */
  call<K extends Kind>(kind: K, body: Requests[K], { transfer = [], signal }: CallOptions = {}): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#dead) throw this.#dead;
      const id = this.#next++;
      const state = new Int32Array(new SharedArrayBuffer(4));
      this.#worker.postMessage({ id, kind, state, body }, transfer);
      const abort = (): void => {
        if (cancel(state)) this.#take(id)?.reject(signal!.reason); // else too late: the answer is on its way
      };
      const end = <T>(f: (value: T) => void) => (value: T): void => {
        signal?.removeEventListener('abort', abort);
        f(value);
      };
      this.#waiting.set(id, { state, resolve: end(resolve), reject: end(reject) });
      if (this.#waiting.size === 1) this.#worker.ref();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets the worker finish what it is doing and end; everyone else waiting is refused. */
  async close(): Promise<void> {
    if (!this.#dead) {
      const closed = this.call('close', {}).catch(() => {}); // when it died meanwhile, it is closed
      this.#refuse(disposed(), 1);
      this.#dead = disposed();
      await closed;
      this.#worker.ref();
    }
    await this.#exited;
  }

  #settle(reply: Reply): void {
    const waiting = this.#take(reply.id);
    if (!waiting) return; // its caller has cancelled
    if (reply.ok) waiting.resolve(reply.answer as never);
    else waiting.reject(new StaveError(reply.error.code, reply.error));
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (this.#waiting.delete(id) && this.#waiting.size === 0) this.#worker.unref();
    return waiting;
  }

  /** Rejects all waiting calls but the last `keep`; those that the worker has not begun, it skips. */
  #refuse(error: StaveError, keep: number): void {
    for (const id of [...this.#waiting.keys()].slice(0, this.#waiting.size - keep)) {
      const waiting = this.#take(id)!;
      cancel(waiting.state);
      waiting.reject(error);
    }
  }

  #die(error: StaveError): void {
    this.#dead ??= error;
    this.#refuse(this.#dead, 0);
  }
}

/** @returns whether the worker had not finished first */
function cancel(state: Int32Array): boolean {
  return Atomics.compareExchange(state, 0, states.PENDING, states.CANCELLED) === states.PENDING;
}

function disposed(): StaveError {
  return new StaveError('RUNTIME', { what: 'the runtime was disposed', why: 'dispose() of it or of its model was called', fix: 'load the model again' });
}

function crashed(exitCode: number, cause: unknown): StaveError {
  return new StaveError('RUNTIME', {
    what: 'the runtime\'s worker thread died',
    why: cause === undefined ? `it ended with exit code ${exitCode}` : cause instanceof Error ? cause.message : String(cause),
    fix: 'create a new Runtime; programs and kept tensors of this one are gone',
    cause,
  });
}
