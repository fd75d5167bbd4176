import { Worker } from 'node:worker_threads';
import { StaveError, type Code, type Details } from '../errors.ts';
import type { BadRow, Batch, BatchId } from './batch.ts';
import type { Conversations } from './conversations.ts';
import type { Recipe } from './recipe.ts';
import type { Motion10Data } from './recipe-data.ts';

/** What a data worker needs to make any batch. */
export type DataSettings = { tokenizer: string; config: Record<string, unknown>; batch: Recipe['batch']; evaluation: Recipe['eval'] } & ({ data: Motion10Data } | { conversations: Conversations });

export type DataReply = { key: string; made: Batch | BadRow } | { key: string; error: { code: Code } & Details };

type Made = Batch | BadRow;

/** Renders or decodes, and packs batches in worker threads, some ahead of their use. The order is that of `next`'s calls, so a resumed run sees the data it would have seen. */
export class DataSource {
  readonly #workers: Worker[];
  readonly #waiting = new Map<string, { resolve(made: Made): void; reject(error: Error): void; promise: Promise<Made> }>();
  #failed: Error | undefined;
  readonly #ahead: number;

  /** @param ahead batches that are worked on before they are asked for  @param workers threads */
  constructor(settings: DataSettings, { workers = 1, ahead = workers + 1 }: { ahead?: number; workers?: number } = {}) {
    this.#ahead = ahead;
    const url = new URL(import.meta.url.endsWith('.ts') ? './data-worker.ts' : './data-worker.js', import.meta.url);
    this.#workers = Array.from({ length: workers }, () => new Worker(url, { name: 'stave data', execArgv: [], workerData: settings })); // the process's own flags are not the worker's, as in runtime/channel.ts
    for (const worker of this.#workers) {
      worker.on('message', (reply: DataReply) => {
        const waiting = this.#waiting.get(reply.key);
        if ('error' in reply) waiting?.reject(new StaveError(reply.error.code, reply.error));
        else waiting?.resolve(reply.made);
      });
      worker.on('error', (error) => this.#fail(error as Error));
      worker.on('exit', () => this.#fail(new StaveError('TRAIN', { what: 'the data worker ended', why: 'it was stopped or ran out of memory' })));
    }
  }

  /** The batch `id`, or the row that it could not be made of; starts on those after it as well. `last`: where the run ends. */
  async next(id: BatchId, last = Infinity): Promise<Made> {
    const wanted = this.#request(id);
    for (let i = 1; i <= this.#ahead && id.index + i < last; i++) this.#request({ ...id, index: id.index + i });
    try {
      return await wanted;
    } finally {
      this.#waiting.delete(key(id));
    }
  }

  async close(): Promise<void> {
    this.#waiting.clear();
    for (const worker of this.#workers) worker.removeAllListeners('exit');
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #request(id: BatchId): Promise<Made> {
    const known = this.#waiting.get(key(id));
    if (known) return known.promise;
    if (this.#failed) return Promise.reject(this.#failed);
    let resolve!: (made: Made) => void, reject!: (error: Error) => void;
    const promise = new Promise<Made>((...settle) => ([resolve, reject] = settle));
    promise.catch(() => {}); // reported to whoever awaits it
    this.#waiting.set(key(id), { promise, resolve, reject });
    this.#workers[id.index % this.#workers.length].postMessage(id, []);
    return promise;
  }

  #fail(error: Error): void {
    this.#failed = error;
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}

const key = ({ set, index }: BatchId) => `${set} ${index}`;
