/** Threads that pack rows of weights, so that all cores work and the caller's event loop stays free. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { StaveError } from '../errors.ts';
import { pack, packRows, type Packed, type PackedRows, type PackOptions } from '../weights/index.ts';

/** In blocks, or by rows of `width` numbers. */
export type PackJob = { rows: Float32Array } & ({ options: PackOptions } | { width: number });
export type PackAnswer = { packed: Packed | PackedRows } | { /** Which block or row. */ notFinite: string };

/** What a thread does, or the caller where it is not worth waking one. */
export const doJob = (job: PackJob): Packed | PackedRows => ('options' in job ? pack(job.rows, job.options) : packRows(job.rows, job.width));

const url = new URL(import.meta.url.endsWith('.ts') ? './pack-worker.ts' : './pack-worker.js', import.meta.url);

/** Numbers for which no thread is woken. */
const FEW = 1 << 16;

/** Each thread has one job at a time; more wait. When one dies, all jobs end with its error: what it worked on is lost. Dispose it to end the threads. */
export class Packers {
  readonly threads: number;
  readonly #started: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #dead = new AbortController();
  #waiting: (() => void)[] = [];

  constructor(threads: number = availableParallelism()) {
    this.threads = threads;
  }

  /** Packs rows in blocks; their memory is given away. @throws RangeError as pack(); RUNTIME when a thread has died */
  async pack(rows: Float32Array, options: PackOptions): Promise<Packed> {
    return (await this.#do({ rows, options })) as Packed;
  }

  /** The same by rows of `width` numbers. @throws RangeError as packRows(); RUNTIME when a thread has died */
  async packRows(rows: Float32Array, width: number): Promise<PackedRows> {
    return (await this.#do({ rows, width })) as PackedRows;
  }

  async #do(job: PackJob): Promise<Packed | PackedRows> {
    if (job.rows.length <= FEW) return doJob(job);
    const worker = await this.#take();
    try {
      const { signal } = this.#dead;
      worker.postMessage(job, [job.rows.buffer as ArrayBuffer]);
      const [answer] = (await once(worker, 'message', { signal }).catch(() => { throw signal.reason; })) as [PackAnswer];
      if ('notFinite' in answer) throw new RangeError(answer.notFinite);
      return answer.packed;
    } finally {
      this.#idle.push(worker);
      this.#waiting.shift()?.();
    }
  }

  async #take(): Promise<Worker> {
    for (;;) {
      this.#dead.signal.throwIfAborted();
      const idle = this.#idle.pop() ?? (this.#started.length < this.threads ? this.#start() : undefined);
      if (idle !== undefined) return idle;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #start(): Worker {
    const worker = new Worker(url, { name: 'stave packing', execArgv: [] }); // the process's own flags are not the worker's, as in runtime/channel.ts
    worker.on('error', (cause: Error) => this.#end(cause.message, cause));
    worker.on('messageerror', (cause: Error) => this.#end(`its answer was lost: ${cause.message}`, cause));
    worker.on('exit', (code) => this.#end(`it exited with code ${code}`));
    this.#started.push(worker);
    return worker;
  }

  /** Nobody waits for a thread that is gone. The first reason stays. */
  #end(why: string, cause?: Error): void {
    this.#dead.abort(new StaveError('RUNTIME', { what: 'a thread that packs weights has died', why, fix: 'where memory was short, close other programs or use fewer threads, and start again', cause }));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((worker) => worker.terminate()));
  }
}
