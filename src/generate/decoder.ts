import type { Tensor } from '../graph/index.ts';
import { mropeTables, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Program } from '../runtime/index.ts';
import { KeyValueCache } from './kv-cache.ts';

/** Positions that go through the model at once in prefill: bounds the attention scores to PIECE × (P + PIECE) a head. */
const PIECE = 512;

/** What a masked score gets added: far below every score, far from overflow. */
const MASKED = -1e9;

/** Tokens that enter the model, with their M-RoPE positions. */
export type Positioned = { ids: ArrayLike<number>; /** [3, ids.length] */ position_ids: Int32Array };

export type StepOptions = {
  /** Rows whose logits are wanted, counted from the end of the given tokens. Default 1. */
  rows?: number;
  signal?: AbortSignal;
};

/** One conversation in the language model: its cache, and a run of the graph for every piece of prompt and every new token. */
export class Decoder {
  readonly #program: Program;
  readonly #config: Qwen2VLConfig;
  readonly #cache: KeyValueCache;

  constructor(program: Program, config: Qwen2VLConfig) {
    this.#program = program;
    this.#config = config;
    this.#cache = new KeyValueCache({ layers: config.num_hidden_layers, kv: config.num_key_value_heads, head_dim: headDim(config) });
  }

  /** Positions that the model has seen. */
  get length(): number {
    return this.#cache.length;
  }

  /** Appends tokens. Each image or video placeholder takes the next row of `visual_embeds`, [V, hidden_size].
   * @returns logits of the last rows, [rows, vocab_size] */
  async append({ ids, position_ids }: Positioned, visual_embeds: Float32Array, { rows = 1, signal }: StepOptions = {}): Promise<Float32Array> {
    const total = ids.length;
    const { vocab_size, hidden_size } = this.#config;
    const logits = new Float32Array(rows * vocab_size);
    let visual = 0;
    for (let start = 0; start < total; start += PIECE) {
      const end = Math.min(start + PIECE, total);
      const piece = Array.prototype.slice.call(ids, start, end) as number[];
      const used = piece.filter((id) => this.#isVisual(id)).length;
      const wanted = Math.max(0, end - Math.max(start, total - rows)); // of this piece's last rows
      const output = await this.#run(piece, columns(position_ids, total, start, end), visual_embeds.subarray(visual * hidden_size, (visual + used) * hidden_size), wanted, signal);
      logits.set(output, (rows - (total - end) - wanted) * vocab_size);
      visual += used;
    }
    return logits;
  }

  /** One run of the graph. position_ids: [3, S], embeds: [V, hidden_size] → [wanted, vocab_size] */
  async #run(ids: number[], position_ids: Int32Array, embeds: Float32Array, wanted: number, signal?: AbortSignal): Promise<Float32Array> {
    const S = ids.length;
    const { hidden_size, rope_theta, rope_scaling } = this.#config;
    const head_dim = headDim(this.#config);
    const { cos, sin } = mropeTables(position_ids, { head_dim, rope_theta, mrope_section: rope_scaling.mrope_section });
    let visual = 0;
    const feeds: Record<string, Tensor> = {
      input_ids: { dtype: 'int64', dims: [1, S], data: BigInt64Array.from(ids, BigInt) },
      visual_embeds: { dtype: 'float32', dims: [embeds.length / hidden_size, hidden_size], data: embeds },
      embed_index: { dtype: 'int64', dims: [S], data: BigInt64Array.from(ids, (id, i) => BigInt(this.#isVisual(id) ? S + visual++ : i)) },
      cos: { dtype: 'float32', dims: [1, S, head_dim], data: cos },
      sin: { dtype: 'float32', dims: [1, S, head_dim], data: sin },
      attention_bias: causalBias(S, this.#cache.length, this.#cache.capacity),
      logits_index: { dtype: 'int64', dims: [wanted], data: BigInt64Array.from({ length: wanted }, (_, i) => BigInt(S - wanted + i)) },
      ...this.#cache.feeds(),
    };
    const outputs = await this.#program.run(feeds, { signal });
    this.#cache.append(outputs, S);
    return outputs.logits.data as Float32Array;
  }

  #isVisual(id: number): boolean {
    return id === this.#config.video_token_id || id === this.#config.image_token_id;
  }
}

/** Each new position sees the stored ones, the new ones before it and itself. → [1, 1, S, capacity + S] */
function causalBias(S: number, stored: number, capacity: number): Tensor {
  const width = capacity + S;
  const data = new Float32Array(S * width);
  for (let i = 0; i < S; i++) {
    data.fill(MASKED, i * width + stored, i * width + capacity);
    data.fill(MASKED, i * width + capacity + i + 1, (i + 1) * width);
  }
  return { dtype: 'float32', dims: [1, 1, S, width], data };
}

/** Columns [start, end) of a [3, total] matrix. */
function columns(matrix: Int32Array, total: number, start: number, end: number): Int32Array {
  const out = new Int32Array(3 * (end - start));
  for (let row = 0; row < 3; row++) out.set(matrix.subarray(row * total + start, row * total + end), row * (end - start));
  return out;
}

const headDim = ({ hidden_size, num_attention_heads }: Qwen2VLConfig): number => hidden_size / num_attention_heads;
