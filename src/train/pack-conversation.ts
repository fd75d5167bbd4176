/** One conversation as the inputs of the training graph: any number of videos and images, each with a grid of its own. */
import { StaveError } from '../errors.ts';
import { encoderRuns, type Run } from '../generate/encoder.ts';
import type { TemporalScope } from '../generate/index.ts';
import { mropeTables, visionTables, type Grid, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Span } from '../text/index.ts';
import { IGNORED, maskInto, shared, tensor, type Batch } from './batch.ts';
import { suffixOf } from './step.ts';

/** A video or image as patches in merge order. pixels: [t·h·w, C·2·14·14] bytes */
export type ConversationItem = { kind: 'image' | 'video'; grid: Grid; pixels: Uint8Array };

export type ConversationSample = {
  /** Names it in errors. */
  name: string;
  ids: readonly number[];
  /** −100 where nothing is learnt. */
  labels: readonly number[];
  /** The answers that are learnt. */
  answers: readonly Span[];
  /** M-RoPE positions, [3, S]. */
  positions: Int32Array;
  items: readonly ConversationItem[];
};

export type PackOptions = {
  /** What the loss averages over: each answer, or each learnt token. */
  average: 'answer' | 'clip';
  /** Factor on all weights: 1 / conversations of an update. */
  scale: number;
  scope: TemporalScope;
};

/** Lengths are rounded up to a multiple of this. */
const MULTIPLE = 8;

/** Inputs as packBatch gives them for one row of tokens, pixel_values and the tables once for each run of the vision encoder. */
export function packConversation({ name, ids, labels, answers, positions, items }: ConversationSample, config: Qwen2VLConfig, { average, scale, scope }: PackOptions): Batch {
  const S = Math.ceil(ids.length / MULTIPLE) * MULTIPLE;
  const L = answers.reduce((n, { start, end }) => n + end - start, 0);
  const runs = encoderRuns(items, scope);
  const input_ids = shared(BigInt64Array, S), bias = shared(Float32Array, S * S);
  const logitsIndex = shared(BigInt64Array, L), wanted = shared(BigInt64Array, L), weight = shared(Float32Array, L);
  ids.forEach((id, i) => (input_ids[i] = BigInt(id)));
  maskInto(bias, new Int32Array(S));

  let label = 0;
  const segments = answers.map(({ start, end }): Batch['segments'][number] => {
    const from = label;
    for (let i = start; i < end; i++) {
      if (labels[i] === IGNORED) throw new StaveError('USAGE', { what: `${name}: token ${i} is part of an answer and has no label` });
      logitsIndex[label] = BigInt(i - 1); // the position before predicts it
      wanted[label] = BigInt(labels[i]);
      weight[label++] = scale * (average === 'answer' ? 1 / (answers.length * (end - start)) : 1 / L);
    }
    return { sample: 0, seed: name, kind: 'answer', labels: [from, label] };
  });

  const padded = new Int32Array(3 * S); // [3, S]
  for (const axis of [0, 1, 2]) padded.set(positions.subarray(axis * ids.length, (axis + 1) * ids.length), axis * S);
  const { hidden_size, num_attention_heads, rope_theta, rope_scaling } = config;
  const head_dim = hidden_size / num_attention_heads;
  const { cos, sin } = mropeTables(padded, { head_dim, rope_theta, mrope_section: rope_scaling.mrope_section });
  const vision = runs.map((run, k) => visionFeeds(run, items, config, suffixOf(k)));
  return {
    feeds: {
      ...Object.assign({}, ...vision.map(({ feeds }) => feeds)),
      ...(runs.length === 0 && { visual_embeds: float([0, hidden_size], new Float32Array()) }),
      input_ids: int([1, S], input_ids),
      embed_index: int([S], embedIndex(ids, S, items, runs, config, name)),
      cos: float([1, S, head_dim], cos),
      sin: float([1, S, head_dim], sin),
      attention_bias: float([1, 1, S, S], bias),
      logits_index: int([L], logitsIndex),
      labels: int([L], wanted),
      loss_weight: float([L], weight),
    },
    segments,
    pictures: runs.flatMap(({ members }, k) => {
      let at = 0;
      return members.map((i) => ({ sample: 0, feed: `pixel_values${suffixOf(k)}`, from: (at += items[i].pixels.length) - items[i].pixels.length, grid: [...items[i].grid] as [number, number, number] }));
    }),
    sizes: { B: 1, S, L, runs: runs.length, tokens: ids.length, rows: Math.max(S, ...runs.map(({ B, T, h, w }) => B * T * h * w)), V: 0, ...Object.assign({}, ...vision.map(({ sizes }) => sizes)) },
    runs: runs.length,
  };
}

const float = (dims: number[], data: Float32Array) => tensor('float32', dims, data);
const int = (dims: number[], data: BigInt64Array) => tensor('int64', dims, data);

/** What of a batch belongs to one run of the vision encoder. */
function visionFeeds({ members, B, T, h, w }: Run, items: readonly ConversationItem[], { vision_config }: Qwen2VLConfig, suffix: string): Pick<Batch, 'feeds'> & { sizes: Record<string, number> } {
  const pixels = shared(Uint8Array, members.reduce((n, i) => n + items[i].pixels.length, 0));
  let at = 0;
  for (const i of members) {
    pixels.set(items[i].pixels, at);
    at += items[i].pixels.length;
  }
  const tables = visionTables([T, h, w], vision_config);
  const M = (h * w) / vision_config.spatial_merge_size ** 2;
  const [K = 0, W = 0] = tables.window_slots?.dims ?? [];
  return {
    feeds: {
      [`pixel_values${suffix}`]: tensor('uint8', [B, T, h * w, pixels.length / (B * T * h * w)], pixels),
      ...Object.fromEntries(Object.entries(tables).map(([name, table]) => [`${name}${suffix}`, table])),
    },
    sizes: Object.fromEntries(Object.entries({ C: B, T, M, K, W }).map(([symbol, size]) => [`${symbol}${suffix}`, size])),
  };
}

/** Where each position's embedding stands: a token's own, or behind all S of these the visual tokens, one run after the other. [S] */
function embedIndex(ids: readonly number[], S: number, items: readonly ConversationItem[], runs: readonly Run[], { image_token_id, video_token_id, vision_config }: Qwen2VLConfig, name: string): BigInt64Array {
  const tokens = items.map(({ grid: [t, h, w] }) => (t * h * w) / vision_config.spatial_merge_size ** 2);
  const first = items.map(() => 0); // visual token of each item, as the runs give them
  let at = 0;
  for (const i of runs.flatMap(({ members }) => members)) {
    first[i] = at;
    at += tokens[i];
  }
  const places = items.flatMap((_, i) => Array.from({ length: tokens[i] }, (_, k) => first[i] + k)); // in the order of the prompt
  const index = shared(BigInt64Array, S);
  let used = 0;
  for (let i = 0; i < S; i++) index[i] = BigInt(i < ids.length && (ids[i] === image_token_id || ids[i] === video_token_id) ? S + (places[used++] ?? 0) : i);
  if (used !== places.length) throw new StaveError('USAGE', { what: `${name}: the prompt holds ${used} placeholders, its videos and images give ${places.length} visual tokens` });
  return index;
}
