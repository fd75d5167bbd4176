/** Threads that pack rows of weights, so that all cores work and the caller's event loop stays free. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { pack, type Packed, type PackOptions } from '../weights/index.ts';

export type PackJob = { rows: Float32Array; options: PackOptions };
export type PackAnswer = { packed: Packed } | { /** Which block. */ notFinite: string };

const url = new URL(import.meta.url.endsWith('.ts') ? './pack-worker.ts' : './pack-worker.js', import.meta.url);

/** Numbers for which no thread is woken. */
const FEW = 1 << 16;

/** Each thread has one job at a time; more wait. Dispose it to end the threads. */
export class Packers {
  readonly threads: number;
  readonly #started: Worker[] = [];
  readonly #idle: Worker[] = [];
  #waiting: (() => void)[] = [];

  constructor(threads: number = availableParallelism()) {
    this.threads = threads;
  }

  /** Packs rows; their memory is given away. @throws RangeError as pack() */
  async pack(rows: Float32Array, options: PackOptions): Promise<Packed> {
    if (rows.length <= FEW) return pack(rows, options);
    const worker = await this.#take();
    try {
      worker.postMessage({ rows, options } satisfies PackJob, [rows.buffer as ArrayBuffer]);
      const [answer] = (await once(worker, 'message')) as [PackAnswer];
      if ('notFinite' in answer) throw new RangeError(answer.notFinite);
      return answer.packed;
    } finally {
      this.#idle.push(worker);
      this.#waiting.shift()?.();
    }
  }

  async #take(): Promise<Worker> {
    while (this.#idle.length === 0) {
      if (this.#started.length < this.threads) {
        const worker = new Worker(url, { name: 'stave packing', execArgv: [] }); // the process's own flags are not the worker's, as in runtime/channel.ts
        this.#started.push(worker);
        return worker;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#idle.pop()!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((worker) => worker.terminate()));
  }
}
