import { StaveError } from '../errors.ts';
import type { Tensor } from '../graph/index.ts';
import { checkFeeds, outputsToFetch } from './feeds.ts';
import type { Device, Feed, Port, Requests, Signature } from './protocol.ts';

export type RunOptions = {
  /** Outputs to return. Default: all that are not kept. */
  fetch?: string[];
  /** Outputs that stay in the worker, by the key they are kept under: { outputName: key }. They replace what the key held. */
  keep?: Record<string, string>;
  /** An output that must hold finite numbers alone for anything to be kept; fetched or not. */
  keepIf?: string;
  /** Aborts: the promise rejects at once with the signal's reason and no kept tensor changes. A run that has begun still
   * occupies the worker to its end: the engine cannot be interrupted from JavaScript. */
  signal?: AbortSignal;
  /** Gives the feeds' buffers away (they are empty afterwards) instead of copying them. No matter for shared memory. */
  transfer?: boolean;
};

export type Runner = (body: Requests['run'], transfer: boolean, signal: AbortSignal | undefined) => Promise<Record<string, Tensor>>;

/** A compiled graph. Its weights stay mapped and its memory held until it is released. */
export class Program {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly device: Device;
  #id: number;
  #run: Runner;
  #release: () => Promise<void>;
  #released: Promise<void> | undefined;

  constructor(id: number, { inputs, outputs }: Signature, device: Device, run: Runner, release: () => Promise<void>) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.device = device;
    this.#id = id;
    this.#run = run;
    this.#release = release;
  }

  /** Runs once. Runs of one Runtime happen in the order in which they are asked for. Feeds must not change until it is done;
   * memory that is shared is not copied.
   * @param feeds a tensor, or what an earlier run or write() kept, for every input
   * @throws RUNTIME for a wrong feed, an unknown key, a failure of the engine; the signal's reason when aborted */
  async run(feeds: Record<string, Feed>, { fetch, keep = {}, keepIf, signal, transfer = false }: RunOptions = {}): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted();
    if (this.#released) throw new StaveError('RUNTIME', { what: 'the program was released', fix: 'compile the graph again' });
    checkFeeds(this.inputs, feeds);
    return this.#run({ program: this.#id, feeds, fetch: outputsToFetch(this, fetch, keep), keep, ...(keepIf !== undefined && { keepIf }) }, transfer, signal);
  }

  /** Gives the program's memory back, after runs under way. The same graph compiled elsewhere stays. */
  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
