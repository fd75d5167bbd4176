import { dim, type Tensor } from '../graph/index.ts';
import { visionTables, type VisionConfig } from '../models/qwen2vl/index.ts';
import type { Port } from '../runtime/index.ts';
import type { Parts } from './device/parts.ts';

/** B clips of T frame groups of h×w patches. */
export type Clips = { B: number; T: number; h: number; w: number };

type FloatTensor = Tensor & { data: Float32Array };

/** Runs parts of visionParts() for clips of one grid. */
export class VisionParts {
  readonly #program: Parts;
  readonly #signal: AbortSignal | undefined;
  readonly #sizes: Record<string, number>;
  /** The tables, and nothing for all else. */
  readonly #rest: Record<string, Tensor>;

  constructor(program: Parts, config: VisionConfig, { T, h, w }: Clips, signal: AbortSignal | undefined) {
    this.#program = program;
    this.#signal = signal;
    const tables = visionTables([T, h, w], config);
    this.#sizes = { T, M: (h * w) / config.spatial_merge_size ** 2 };
    this.#rest = Object.fromEntries(program.inputs.map(({ name }) => [name, name in tables ? shared(tables[name]) : name === 'whole' ? whole(1, 0) : this.tensor(name, 0, NOTHING)]));
  }

  /** Whether all parts can run one after the other, see visionParts. */
  get passing(): boolean {
    return 'whole' in this.#rest;
  }

  /** Entries of a row of an input. */
  width(name: string): number {
    return this.#port(name).shape.at(-1) as number;
  }

  /** An input over `count` frame groups, or patch positions. */
  tensor(name: string, count: number, data: Float32Array): FloatTensor {
    const { dtype, shape } = this.#port(name);
    return { dtype, dims: shape.map((d) => (typeof d === 'string' && /^[FP]\d+$/.test(d) ? count : dim.evaluate(d, this.#sizes))), data };
  }

  /** One to be filled. */
  empty(name: string, count: number): FloatTensor {
    const { dims, ...rest } = this.tensor(name, count, NOTHING);
    return { ...rest, dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) };
  }

  /** All parts over `clips` whole clips. @param pixel_values their frames, given away  @returns their visual tokens */
  runWhole(pixel_values: Tensor, clips: number): Promise<Float32Array> {
    return this.run({ pixel_values, whole: whole(clips, 1) }, 'embeds');
  }

  /** @param feeds of one part; they are given away  @returns its output, the other parts' are empty */
  async run(feeds: Record<string, Tensor>, output: string): Promise<Float32Array> {
    const outputs = await this.#program.run({ ...this.#rest, ...feeds }, { fetch: [output], signal: this.#signal, transfer: true });
    return outputs[output].data as Float32Array;
  }

  #port(name: string): Port {
    return this.#program.inputs.find((port) => port.name === name)!;
  }
}

/** Its shape alone says something; shared, as it is fed again and again. */
const whole = (clips: number, each: 0 | 1): Tensor => ({ dtype: 'float32', dims: [clips, each], data: new Float32Array(new SharedArrayBuffer(4 * clips * each)) });

const NOTHING = new Float32Array(new SharedArrayBuffer(0)); // shared, too

/** The same in memory that every run reads in place. */
function shared({ dtype, dims, data }: Tensor): Tensor {
  const copy = new (data.constructor as new (buffer: SharedArrayBuffer) => typeof data)(new SharedArrayBuffer(data.byteLength));
  copy.set(data as never);
  return { dtype, dims, data: copy };
}
