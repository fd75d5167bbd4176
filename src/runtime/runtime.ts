import { availableParallelism } from 'node:os';
import { parse } from 'node:path';
import { StaveError } from '../errors.ts';
import { onnx, type Graph, type Tensor, type Value } from '../graph/index.ts';
import { Channel } from './channel.ts';
import { checkData } from './feeds.ts';
import { identify } from './identity.ts';
import { Program, type Runner } from './program.ts';
import type { About, Device, Feed, Port, Requests, Signature } from './protocol.ts';
import { needsPauses, shareNow, shareSlowly, shareWeights, type Shared } from './share.ts';
import { multipliesWhole, sumsWhole } from './whole-sums.ts';

export type RuntimeOptions = {
  /** Threads of the engine, the worker among them. Default: as many as there are cores. */
  threads?: number;
  /** Idle threads of the engine wait actively. Faster by a little when the machine is free, slower by much when it is not. Default: false. */
  spin?: boolean;
  /** Default: cpu. Whether there is such a device shows when the first graph is compiled. */
  device?: Device;
};

export type CompileOptions = {
  signal?: AbortSignal;
  optimize?: 'all' | 'none';
  /** Whether constant matrices are laid out anew for the product's kernel, which takes as much memory again. Default: true. Without, weights in a file stay mapped. */
  pack?: boolean;
  /** Whether products of whole numbers take the slower kernels that are right on every processor. Default: where the others are not. */
  slowWhole?: boolean;
};

/** A session in the worker and how many Programs stand for it. */
type Compiled = { id: number; users: number; ready: Promise<null> };

/** One worker thread that owns the engine. The caller's event loop never waits for it; an idle runtime lets the process end. */
export class Runtime {
  readonly device: Device;
  #channel: Channel;
  #compiled = new Map<string, Compiled>();
  #nextId = 0;
  #running = 0;
  #runningSince = 0;
  #busy = 0;
  /** What was asked for last; the next waits for it to be sent, so that calls reach the worker in the order in which they were made. */
  #sent: Promise<unknown> = Promise.resolve();
  #sumsWhole: Promise<boolean> | undefined;

  constructor(channel: Channel, device: Device) {
    this.#channel = channel;
    this.device = device;
  }

  /** @throws RUNTIME when the engine cannot be loaded on this platform */
  static async create({ threads = availableParallelism(), spin = false, device = 'cpu' }: RuntimeOptions = {}): Promise<Runtime> {
    if (!Number.isInteger(threads) || threads < 1) throw new StaveError('USAGE', { what: `threads: ${threads}`, fix: 'give a whole number from 1' });
    process.env.ORT_DISABLE_TELEMETRY ??= '1'; // read once when the engine starts; see docs/decisions/runtime.md
    const channel = new Channel(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url));
    try {
      await channel.call('start', { threads, spin, device });
    } catch (error) {
      await channel.close();
      throw error;
    }
    return new Runtime(channel, device);
  }

  /** Makes a program of a graph. A graph equal to one that is loaded costs no second session. Weights in memory must not change afterwards.
   * @throws GRAPH, RUNTIME; the signal's reason when aborted */
  async compile(graph: Graph, { signal, optimize = 'all', pack = true, slowWhole }: CompileOptions = {}): Promise<Program> {
    signal?.throwIfAborted();
    slowWhole ??= multipliesWhole(graph) && !(await (this.#sumsWhole ??= sumsWhole((g) => this.compile(g, { slowWhole: false }))));
    const { model, externalData, files } = onnx(graph);
    const key = await identify(model, externalData, files, `${optimize} ${pack} ${slowWhole}`);
    const request = { model, externalData, root: parse(files[0] ?? '/').root, optimize, pack, slowWhole, signature: signatureOf(graph) };
    const compiled = this.#compiled.get(key) ?? this.#load(key, request);
    compiled.users++;
    const release = (): Promise<void> => this.#release(key, compiled);
    try {
      await abortable(compiled.ready, signal); // not the call itself: another caller may wait for the same program
    } catch (error) {
      void release().catch(() => {});
      throw error;
    }
    return new Program(compiled.id, request.signature, this.device, this.#run, release);
  }

  /** The engine's version, and what it could run on here. */
  about(): Promise<About> {
    return this.#channel.call('about', {});
  }

  /** A copy of what is kept under a key. @throws RUNTIME when nothing is */
  read(key: string): Promise<Tensor> {
    return this.#inOrder(undefined, () => this.#channel.call('read', { key }));
  }

  /** Keeps a tensor in the worker under a key, to be fed as {kept: key}. Shared memory is kept as it is, other memory copied.
   * @param options.transfer gives the buffer away (it is empty afterwards) instead of copying it */
  async write(key: string, tensor: Tensor, { transfer: give = false }: { transfer?: boolean } = {}): Promise<void> {
    checkData(`"${key}"`, tensor);
    await this.#inOrder({ feeds: { tensor }, transfer: give }, ({ feeds, transfer }) => this.#channel.call('write', { key, tensor: feeds.tensor as Tensor }, { transfer }));
  }

  /** Forgets a key and frees its memory. No error when nothing is kept under it. */
  async drop(key: string): Promise<void> {
    await this.#inOrder(undefined, () => this.#channel.call('drop', { key }));
  }

  /** Ends the worker after the run it is at; calls still waiting are refused. All memory of programs and kept tensors is freed. */
  async dispose(): Promise<void> {
    this.#compiled.clear();
    await this.#channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** Seconds for which there was a program to run, or more than one. */
  get busy(): number {
    return this.#busy + (this.#running > 0 ? (performance.now() - this.#runningSince) / 1000 : 0);
  }

  #run: Runner = async (body, transfer, signal) => {
    if (this.#running++ === 0) this.#runningSince = performance.now();
    try {
      return await this.#inOrder({ feeds: body.feeds, transfer, signal }, (shared) => this.#channel.call('run', { ...body, feeds: shared.feeds }, { transfer: shared.transfer, signal }));
    } finally {
      if (--this.#running === 0) this.#busy += (performance.now() - this.#runningSince) / 1000;
    }
  };

  /** Makes the feeds ready to travel, then sends, after what was asked for before. */
  #inOrder<T>(given: { feeds: Record<string, Feed>; transfer: boolean; signal?: AbortSignal } | undefined, send: (shared: Shared) => Promise<T>): Promise<T> {
    const { feeds, transfer, signal } = given ?? { feeds: {}, transfer: false };
    let answer: Promise<T>;
    const sent = this.#sent.then(async () => {
      const shared = needsPauses(feeds, transfer) ? await shareSlowly(feeds, transfer, signal) : shareNow(feeds, transfer);
      answer = send(shared);
      answer.catch(() => {}); // it is waited for below
    });
    this.#sent = sent.catch(() => {});
    return sent.then(() => answer);
  }

  #load(key: string, request: Omit<Requests['compile'], 'program'>): Compiled {
    const id = this.#nextId++;
    const ready = shareWeights(request.externalData).then((externalData) => this.#channel.call('compile', { ...request, program: id, externalData }));
    const compiled = { id, users: 0, ready };
    this.#compiled.set(key, compiled);
    ready.catch(() => this.#compiled.get(key) === compiled && this.#compiled.delete(key));
    return compiled;
  }

  async #release(key: string, compiled: Compiled): Promise<void> {
    if (--compiled.users > 0) return;
    if (this.#compiled.get(key) === compiled) this.#compiled.delete(key);
    const loaded = await compiled.ready.then(() => true, () => false);
    // In order: runs asked for before still run. A disposed runtime has released everything.
    if (loaded) await this.#inOrder(undefined, () => this.#channel.call('release', { program: compiled.id })).catch(ignoreDisposed);
  }
}

function signatureOf({ inputs, outputs }: Graph): Signature {
  return {
    inputs: inputs.map((v) => port(v.node.op === 'Input' ? v.node.attrs.name : '', v)),
    outputs: Object.entries(outputs).map(([name, v]) => port(name, v)),
  };
}

function port(name: string, { dtype, shape }: Value): Port {
  return { name, dtype, shape };
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  try {
    return await Promise.race([promise, new Promise<never>((_, reject) => signal.addEventListener('abort', (abort = () => reject(signal.reason as Error)), { once: true }))]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}

function ignoreDisposed(error: unknown): void {
  if (!(error instanceof StaveError && error.code === 'RUNTIME')) throw error;
}
