import type { Tensor } from '../graph/index.ts';
import { mropeTables, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Program } from '../runtime/index.ts';
import { causalBias, treeBias } from './attention-bias.ts';
import { KeyValueCache, type StoredPositions } from './kv-cache.ts';
import { branchLength, pieceLength } from './pieces.ts';

/** Tokens that enter the model, with their M-RoPE positions. */
export type Positioned = { ids: ArrayLike<number>; /** [3, ids.length] */ position_ids: Int32Array };

/** Tokens that go on from one place in several ways. */
export type Branches = { ids: readonly number[]; /** Number of the token before, −1 where that is the last position so far; each after its parent. */ parents: readonly number[] };

/** What goes through the model at once; see languageGraph. */
type Piece = { input_ids: number[]; embed_index: number[]; position_ids: Int32Array; visual_embeds: Float32Array; attention_bias: Tensor };

export type StepOptions = {
  /** Rows whose logits are wanted, counted from the end of the given tokens; may be 0. Default 1. */
  rows?: number;
  signal?: AbortSignal;
};

/** One conversation in the language model: its cache, and a run of the graph for every piece of prompt and every new token. */
export class Decoder {
  readonly #program: Program;
  readonly #config: Qwen2VLConfig;
  readonly #cache: KeyValueCache;
  /** Rows that each input has, needed or not: WebGPU refuses to compute over none. */
  readonly #least: 0 | 1;

  /** @param beginning of another conversation that this one goes on from: its first `length` positions */
  constructor(program: Program, config: Qwen2VLConfig, beginning?: { stored: StoredPositions; length: number }) {
    this.#program = program;
    this.#config = config;
    const sizes = { layers: config.num_hidden_layers, kv: config.num_key_value_heads, head_dim: headDim(config) };
    this.#least = program.device === 'cpu' ? 0 : 1;
    this.#cache = beginning === undefined ? new KeyValueCache(sizes, this.#least) : KeyValueCache.continuing(sizes, beginning.stored, beginning.length);
  }

  /** Positions that the model has seen. */
  get length(): number {
    return this.#cache.length;
  }

  /** Keys and values of the positions so far, for another conversation that begins alike. */
  stored(): StoredPositions {
    return this.#cache.stored();
  }

  /** Appends tokens. Each image or video placeholder takes the next row of `visual_embeds`, [V, hidden_size]; without any, a placeholder is a token like others: a model may write one.
   * @returns logits of the last rows, [rows, vocab_size] */
  async append({ ids, position_ids }: Positioned, visual_embeds: Float32Array, { rows = 1, signal }: StepOptions = {}): Promise<Float32Array> {
    const { vocab_size, hidden_size, image_token_id, video_token_id } = this.#config;
    const total = ids.length;
    const logits = new Float32Array(rows * vocab_size);
    const isVisual = (id: number) => visual_embeds.length > 0 && (id === video_token_id || id === image_token_id);
    let used = 0; // rows of visual_embeds
    for (let start = 0, end = 0; start < total; start = end) {
      end = Math.min(start + pieceLength(this.#config.num_attention_heads, this.#cache.length), total);
      const piece = Array.from({ length: end - start }, (_, i) => ids[start + i]);
      const first = used;
      const embed_index = piece.map((id, i) => (isVisual(id) ? piece.length + used++ - first : i));
      const wanted = Math.max(0, end - Math.max(start, total - rows)); // of this piece's last rows
      const output = await this.#run(
        { input_ids: piece, embed_index, position_ids: columns(position_ids, total, start, end), visual_embeds: visual_embeds.subarray(first * hidden_size, used * hidden_size), attention_bias: causalBias(piece.length, this.#cache.length, this.#cache.capacity) },
        wanted,
        signal,
      );
      if (wanted > 0) logits.set(output, (rows - (total - end) - wanted) * vocab_size);
    }
    return logits;
  }

  /** Appends branches: each of their tokens sees the positions so far, the tokens it follows and itself, at the position that it would have alone. The conversation cannot go on behind them.
   * @yields logits of the tokens from number `first` on, [tokens, vocab_size], until all have come */
  async *branch({ ids, parents }: Branches, rope_delta: number, { signal }: Pick<StepOptions, 'signal'> = {}): AsyncGenerator<{ first: number; logits: Float32Array }> {
    const root = this.#cache.length;
    const depths: number[] = [];
    for (const parent of parents) depths.push(parent < 0 ? 0 : depths[parent] + 1);
    const most = branchLength(this.#config, root);
    for (let start = 0; start < ids.length; start += most) {
      const end = Math.min(start + most, ids.length);
      const S = end - start;
      const piece: Piece = {
        input_ids: ids.slice(start, end),
        embed_index: Array.from({ length: S }, (_, i) => i),
        position_ids: Int32Array.from({ length: 3 * S }, (_, i) => root + rope_delta + depths[start + (i % S)]),
        visual_embeds: new Float32Array(),
        attention_bias: treeBias(parents, [start, end], root, this.#cache.capacity),
      };
      yield { first: start, logits: await this.#run(piece, S, signal) };
    }
  }

  /** One run of the graph over S new positions → [wanted, vocab_size] */
  async #run({ input_ids, embed_index, position_ids, visual_embeds, attention_bias }: Piece, wanted: number, signal?: AbortSignal): Promise<Float32Array> {
    const S = input_ids.length;
    const { hidden_size, vocab_size, rope_theta, rope_scaling } = this.#config;
    const head_dim = headDim(this.#config);
    const { cos, sin } = mropeTables(position_ids, { head_dim, rope_theta, mrope_section: rope_scaling.mrope_section });
    const visual = visual_embeds.length === 0 ? new Float32Array(this.#least * hidden_size) : visual_embeds;
    const rows = Math.max(wanted, this.#least);
    const feeds: Record<string, Tensor> = {
      input_ids: int64([1, S], input_ids),
      visual_embeds: { dtype: 'float32', dims: [visual.length / hidden_size, hidden_size], data: visual },
      embed_index: int64([S], embed_index),
      cos: { dtype: 'float32', dims: [1, S, head_dim], data: cos },
      sin: { dtype: 'float32', dims: [1, S, head_dim], data: sin },
      attention_bias,
      logits_index: int64([rows], Array.from({ length: rows }, (_, i) => S - rows + i)),
      ...this.#cache.feeds(),
    };
    const outputs = await this.#program.run(feeds, { signal });
    this.#cache.append(outputs, S);
    return (outputs.logits.data as Float32Array).subarray((rows - wanted) * vocab_size);
  }
}

const int64 = (dims: number[], values: number[]): Tensor => ({ dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) });

/** Columns [start, end) of a [3, total] matrix. */
function columns(matrix: Int32Array, total: number, start: number, end: number): Int32Array {
  const out = new Int32Array(3 * (end - start));
  for (let row = 0; row < 3; row++) out.set(matrix.subarray(row * total + start, row * total + end), row * (end - start));
  return out;
}

const headDim = ({ hidden_size, num_attention_heads }: Qwen2VLConfig): number => hidden_size / num_attention_heads;
