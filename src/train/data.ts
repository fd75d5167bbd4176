import { Worker } from 'node:worker_threads';
import { StaveError, type Code, type Details } from '../errors.ts';
import type { Batch } from './batch.ts';
import type { Recipe } from './recipe.ts';

/** What the data worker needs to make any batch. */
export type DataSettings = { tokenizer: string; config: Record<string, unknown>; data: Recipe['data']; batch: Recipe['batch']; evaluation: Recipe['eval'] };

/** Which batch: number `index` of the run (or of the held-out set); a batch is a function of the recipe and this alone. */
export type BatchId = { set: 'train' | 'eval'; index: number };

export type DataReply = { key: string; batch: Batch } | { key: string; error: { code: Code } & Details };

/** Renders and packs batches in a worker thread, some ahead of their use. The order is that of `next`'s calls, so a resumed run sees the data it would have seen. */
export class DataSource {
  readonly #worker: Worker;
  readonly #waiting = new Map<string, { resolve(batch: Batch): void; reject(error: Error): void; promise: Promise<Batch> }>();
  #failed: Error | undefined;
  readonly #ahead: number;

  constructor(settings: DataSettings, { ahead = 2 }: { ahead?: number } = {}) {
    this.#ahead = ahead;
    const url = new URL(import.meta.url.endsWith('.ts') ? './data-worker.ts' : './data-worker.js', import.meta.url);
    this.#worker = new Worker(url, { name: 'stave data', execArgv: [], workerData: settings }); // the process's own flags are not the worker's, as in runtime/channel.ts
    this.#worker.on('message', (reply: DataReply) => {
      const waiting = this.#waiting.get(reply.key);
      if ('error' in reply) waiting?.reject(new StaveError(reply.error.code, reply.error));
      else waiting?.resolve(reply.batch);
    });
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', () => this.#fail(new StaveError('TRAIN', { what: 'the data worker ended', why: 'it was stopped or ran out of memory' })));
  }

  /** The batch `id`; starts on those after it as well. `last`: where the run ends. */
  async next(id: BatchId, last = Infinity): Promise<Batch> {
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
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }

  #request(id: BatchId): Promise<Batch> {
    const known = this.#waiting.get(key(id));
    if (known) return known.promise;
    if (this.#failed) return Promise.reject(this.#failed);
    let resolve!: (batch: Batch) => void, reject!: (error: Error) => void;
    const promise = new Promise<Batch>((...settle) => ([resolve, reject] = settle));
    promise.catch(() => {}); // reported to whoever awaits it
    this.#waiting.set(key(id), { promise, resolve, reject });
    this.#worker.postMessage(id, []);
    return promise;
  }

  #fail(error: Error): void {
    this.#failed = error;
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}

const key = ({ set, index }: BatchId) => `${set} ${index}`;
