/** onnxruntime, seen only from the worker: sessions by program, and the tensors kept between runs. */
import { InferenceSession, Tensor as OrtTensor, env, listSupportedBackends } from 'onnxruntime-node';
import { StaveError } from '../errors.ts';
import type { Tensor, TypedArray } from '../graph/index.ts';
import { explain } from './explain.ts';
import { checkData, checkFeeds } from './feeds.ts';
import type { About, Requests, Signature } from './protocol.ts';
import { sessionOptions } from './session-options.ts';

type Loaded = { session: InferenceSession; signature: Signature };

/** What onnxruntime takes. Not its Tensor class: that makes a Float16Array of float16 (Node 24), of which its own native
 * side then reads no byte. */
type OrtLike = { type: string; dims: readonly number[]; data: TypedArray; location: 'cpu' };

export class Engine {
  #programs = new Map<number, Loaded>();
  #kept = new Map<string, Tensor>();
  #options: Requests['start'];
  #copyShared = false;

  constructor(options: Requests['start']) {
    this.#options = options;
    env.logLevel = 'fatal'; // what goes wrong is thrown; the engine would also print it
  }

  about(): About {
    return { version: env.versions.node ?? env.versions.common, providers: listSupportedBackends().map(({ name, bundled }) => ({ name, bundled })) };
  }

  async compile(request: Requests['compile']): Promise<void> {
    const { program, model, externalData, signature } = request;
    refuseBfloat16(signature);
    try {
      const options = { ...sessionOptions(this.#options, request), externalData };
      this.#programs.set(program, { session: await InferenceSession.create(model, options), signature });
    } catch (error) {
      throw this.#options.device === 'cpu' ? explain(error, 'the engine refused the graph') : onDevice(explain(error, `the graph cannot be run on ${this.#options.device}`));
    }
  }

  /** Runs; `commit` decides at the end whether the outputs to keep may replace what was kept. */
  async run({ program, feeds, fetch, keep, keepIf }: Requests['run'], commit: () => boolean): Promise<Record<string, Tensor>> {
    const { session, signature } = this.#program(program);
    const values = checkFeeds(signature.inputs, feeds, this.#kept);
    const given: Record<string, OrtLike> = {};
    for (const [name, feed] of Object.entries(feeds)) given[name] = toOrt('kept' in feed ? this.#kept.get(feed.kept)! : feed);
    const names = [...new Set([...fetch, ...Object.keys(keep), ...(keepIf === undefined ? [] : [keepIf])])];
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.#invoke(session, given, names);
    } catch (error) {
      const sizes = Object.entries(values).map(([name, n]) => `${name} = ${n}`).join(', ');
      const explained = explain(error, 'the run failed', sizes && ` (with ${sizes})`);
      throw this.#options.device === 'cpu' ? explained : onDevice(explained);
    }
    for (const feed of Object.values(feeds)) if ('data' in feed) free(feed); // copied for this thread or given to it: nobody else has them
    if (!commit()) return {};
    const tensors = Object.fromEntries(names.map((name) => [name, fromOrt(results[name] as OrtTensor)]));
    const sound = keepIf === undefined || [...tensors[keepIf].data].every((x) => Number.isFinite(Number(x)));
    if (sound) for (const [name, key] of Object.entries(keep)) this.#set(key, tensors[name]);
    const isKept = (name: string): boolean => Object.hasOwn(keep, name);
    return Object.fromEntries(fetch.map((name) => [name, isKept(name) ? copy(tensors[name]) : tensors[name]]));
  }

  read(key: string): Tensor {
    const tensor = this.#kept.get(key);
    if (!tensor) throw new StaveError('RUNTIME', { what: `nothing is kept under "${key}"`, fix: 'write() the key, or run with keep, first' });
    return copy(tensor);
  }

  write(key: string, tensor: Tensor): void {
    checkData(`"${key}"`, tensor);
    this.#set(key, tensor);
  }

  drop(key: string): void {
    free(this.#kept.get(key));
    this.#kept.delete(key);
  }

  async release(program: number): Promise<void> {
    const loaded = this.#programs.get(program);
    this.#programs.delete(program);
    await loaded?.session.release();
  }

  async close(): Promise<void> {
    for (const program of this.#programs.keys()) await this.release(program);
    this.#kept.clear();
  }

  /** Node 20 hides shared memory from native code ("Invalid argument", before anything runs): there it is copied. */
  async #invoke(session: InferenceSession, feeds: Record<string, OrtLike>, names: string[]): Promise<InferenceSession.OnnxValueMapType> {
    const shared = Object.entries(feeds).filter(([, { data }]) => data.buffer instanceof SharedArrayBuffer);
    const copies = (): Record<string, OrtLike> => ({ ...feeds, ...Object.fromEntries(shared.map(([name, feed]) => [name, { ...feed, data: unshared(feed.data) }])) });
    try {
      return await session.run((this.#copyShared ? copies() : feeds) as unknown as InferenceSession.FeedsType, names);
    } catch (error) {
      if (this.#copyShared || shared.length === 0 || (error as Error).message !== 'Invalid argument') throw error;
      this.#copyShared = true;
      return session.run(copies() as unknown as InferenceSession.FeedsType, names);
    }
  }

  #program(id: number): Loaded {
    const loaded = this.#programs.get(id);
    if (!loaded) throw new StaveError('RUNTIME', { what: 'the program was released', fix: 'compile the graph again' });
    return loaded;
  }

  #set(key: string, tensor: Tensor): void {
    free(this.#kept.get(key));
    this.#kept.set(key, tensor);
  }
}

function toOrt({ dtype, dims, data }: Tensor): OrtLike {
  return { type: dtype, dims, data, location: 'cpu' };
}

function fromOrt(t: OrtTensor): Tensor {
  const data = t.data as unknown as TypedArray;
  // Node 24 gives float16 as a Float16Array; stave holds the bits, on Node 20 too.
  return { dtype: t.type as Tensor['dtype'], dims: [...t.dims], data: t.type === 'float16' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data };
}

function copy({ dtype, dims, data }: Tensor): Tensor {
  return { dtype, dims, data: unshared(data) };
}

function unshared(data: TypedArray): TypedArray {
  return data.slice() as TypedArray; // slice() always makes plain memory, of shared memory too
}

/** Gives a replaced tensor's memory back now: training replaces all its state at every step. Node 20 leaves it to the collector. */
function free(tensor: Tensor | undefined): void {
  const buffer = tensor?.data.buffer;
  if (buffer instanceof ArrayBuffer && 'transfer' in buffer) buffer.transfer(0);
}

function refuseBfloat16({ inputs, outputs }: Signature): void {
  for (const [kind, ports] of [['input', inputs], ['output', outputs]] as const) {
    const port = ports.find((p) => p.dtype === 'bfloat16');
    if (!port) continue;
    throw new StaveError('RUNTIME', {
      what: `${kind} "${port.name}" is bfloat16`,
      why: 'the engine passes no bfloat16 tensors to or from JavaScript (weights may be bfloat16)',
      fix: kind === 'input' ? 'feed float32 and cast in the graph' : 'cast the output to float32 in the graph',
    });
  }
}

/** With what to do about a device that fails at what the processor could do. */
function onDevice({ code, what, why, fix, cause }: StaveError): StaveError {
  return new StaveError(code, { what, why, cause, fix: [fix, 'use the device cpu'].filter(Boolean).join('; or ') });
}
