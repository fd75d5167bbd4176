/** Runs values in onnxruntime directly, without stave's runtime. */
import assert from 'node:assert/strict';
import ort from 'onnxruntime-node';
import { dim, graph, onnx, type Dim, type DType, type Graph, type Tensor, type TypedArray, type Value } from '../../src/graph/index.ts';

export type Feeds = Record<string, Tensor>;

export class Session {
  readonly #session: ort.InferenceSession;
  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }
  static async of(g: Graph, options: ort.InferenceSession.SessionOptions = {}): Promise<Session> {
    const { model, externalData } = onnx(g);
    return new Session(await ort.InferenceSession.create(model, {
      externalData, extra: { session: { model_external_initializers_file_folder_path: '/', x64quantprecision: '1' } }, intraOpNumThreads: 1, ...options,
    }));
  }
  async run(feeds: Feeds): Promise<Feeds> {
    const known = new Set(this.#session.inputNames);
    const tensors = Object.entries(feeds).filter(([name]) => known.has(name)).map(([name, t]) => [name, new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, t.dims)]);
    const results = await this.#session.run(Object.fromEntries(tensors));
    return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, { dtype: t.type as DType, dims: [...t.dims], data: t.data as TypedArray }]));
  }
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** The named values for these feeds. */
export async function evaluate(outputs: Record<string, Value>, feeds: Feeds, inputs: Value[] = []): Promise<Feeds> {
  const session = await Session.of(graph(outputs, inputs));
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Repeatable numbers, evenly spread over [from, to). */
export function uniform(seed: number): (from: number, to: number) => number {
  let state = seed >>> 0;
  return (from, to) => {
    state = (state + 0x6d2b79f5) >>> 0; // mulberry32
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return from + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (to - from);
  };
}

export function floats(dims: readonly number[], next: (i: number) => number): Tensor {
  return { dtype: 'float32', dims: [...dims], data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => next(i)) };
}

export const ints = (dims: readonly number[], values: readonly number[]): Tensor => ({ dtype: 'int64', dims: [...dims], data: BigInt64Array.from(values, BigInt) });

export const sized = (shape: readonly Dim[], sizes: Record<string, number>): number[] => shape.map((d) => dim.evaluate(d, sizes));

/** Same dims, and |a − b| ≤ atol + rtol |b| everywhere; says where and by how much not. */
export function assertClose(actual: Tensor, expected: Tensor, { rtol = 1e-4, atol = 1e-5, name = 'tensor' } = {}): void {
  assert.deepEqual(actual.dims, expected.dims, `${name}: dims`);
  let worst = -1;
  let largest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(actual.data[i]), Number(expected.data[i])];
    const excess = Math.abs(a - b) - (atol + rtol * Math.abs(b));
    largest = Math.max(largest, Math.abs(a - b));
    if (!(excess <= 0) && worst < 0) worst = i;
  }
  if (worst >= 0) assert.fail(`${name}[${worst}]: ${actual.data[worst]} instead of ${expected.data[worst]}; largest difference ${largest}`);
}
