import { StaveError } from '../errors.ts';
import type { Tensor } from '../graph/index.ts';
import { MASKED } from '../models/qwen2vl/index.ts';

/** A question with its answer, as it stands after the clip. labels: the token to be predicted at each position, −100 where none is. */
export type Segment = { kind: string; ids: number[]; labels: number[] };

/** One clip and the questions asked about it. The segments share the prefix (system prompt, visual tokens) and can't see each other. */
export type Sample = {
  /** Names the clip in errors. */
  seed: string;
  /** Token ids up to the end of the clip, each visual token one placeholder. */
  prefix: number[];
  /** M-RoPE positions of the prefix, [3, P], and the first that comes after it: there every segment starts, as if it were alone. */
  positions: Int32Array;
  next: number;
  segments: Segment[];
  /** [T, N, C·2·14·14] bytes in merge order; N = h·w patches. */
  pixels: Uint8Array;
  /** Frame groups, patches down, patches across. */
  grid: [number, number, number];
};

export type Batch = {
  feeds: Record<string, Tensor>;
  /** Per label: which clip and which segment it belongs to; a segment's kind. */
  segments: { sample: number; seed: string; kind: string; labels: [from: number, to: number] }[];
  /** Where the patches of each video and image stand: the feed, and the first byte in it. */
  pictures: Pictures[];
  sizes: Sizes;
  /** Of one conversation: how often its videos and images go through the vision encoder, see Layout. Absent: clips of one grid. */
  runs?: number;
};

/** Frames of a sample. */
export type Pictures = { sample: number; feed: string; from: number; grid: [number, number, number] };

/** The values of the names in the graph's shapes: B samples, S positions, L labels, and those of the vision encoder. tokens: without padding; rows: of the layer that has most. */
export type Sizes = { B: number; S: number; L: number; tokens: number; rows: number } & Record<string, number>;

/** Which batch: number `index` of the run (or of the held-out set); a batch is a function of the recipe and this alone. */
export type BatchId = { set: 'train' | 'eval'; index: number };

/** A row of a data file that turned out not to be usable, in place of its batch. */
export type BadRow = { file: string; line: number; why: string };

export type BatchOptions = {
  /** Rotary tables of the vision encoder for the grid: graph inputs space_cos, space_sin, time_cos, time_sin. */
  visionTables: Record<string, Tensor>;
  /** The placeholder's id, whose positions visual tokens fill. */
  videoToken: number;
  /** What the loss averages over. */
  average: 'answer' | 'clip';
  /** Factor on all weights: 1 / micro-batches of an update. */
  scale?: number;
  /** M-RoPE tables of positions [3, n]: [n, head_dim]. */
  rope(positions: Int32Array): { cos: Float32Array; sin: Float32Array };
  /** Lengths are rounded up to a multiple of this. */
  multiple?: number;
};

export const IGNORED = -100;

/** Packs clips of one grid into the inputs of the training graph. All arrays lie in shared memory: no thread copies them.
 * pixel_values [B, T, N, patch]; input_ids [B, S]; embed_index [B·S]; cos, sin [B, S, d]; attention_bias [B, 1, S, S]; logits_index, labels, loss_weight [L] */
export function packBatch(samples: Sample[], options: BatchOptions): Batch {
  const B = samples.length;
  const [T, h, w] = samples[0].grid;
  const N = h * w, M = N / 4;
  const multiple = options.multiple ?? 8;
  const S = Math.ceil(Math.max(...samples.map(length)) / multiple) * multiple;
  const L = samples.reduce((n, { segments }) => n + segments.reduce((m, { labels }) => m + count(labels), 0), 0);
  const ids = shared(BigInt64Array, B * S), embedIndex = shared(BigInt64Array, B * S);
  const bias = shared(Float32Array, B * S * S);
  const logitsIndex = shared(BigInt64Array, L), labels = shared(BigInt64Array, L), weight = shared(Float32Array, L);
  const pixels = shared(Uint8Array, samples.reduce((n, sample) => n + sample.pixels.length, 0));
  const positions = new Int32Array(3 * B * S);
  const segments: Batch['segments'] = [];

  let label = 0;
  let visual = 0;
  samples.forEach((sample, b) => {
    pixels.set(sample.pixels, b * sample.pixels.length);
    const owner = new Int32Array(S).fill(-1); // 0: prefix, 1 …: segments, −1: padding
    let at = 0;
    const put = (id: number, segment: number, position: (axis: number) => number) => {
      const row = b * S + at;
      ids[row] = BigInt(id);
      for (const axis of [0, 1, 2]) positions[axis * B * S + row] = position(axis);
      owner[at++] = segment;
    };
    sample.prefix.forEach((id, i) => put(id, 0, (axis) => sample.positions[axis * sample.prefix.length + i]));
    const labelled = sample.segments.reduce((n, segment) => n + count(segment.labels), 0);
    sample.segments.forEach((segment, k) => {
      const from = label, start = at;
      const share = options.average === 'answer' ? 1 / (sample.segments.length * count(segment.labels)) : 1 / labelled;
      segment.ids.forEach((id, i) => {
        put(id, k + 1, () => sample.next + i);
        if (segment.labels[i] === IGNORED) return;
        logitsIndex[label] = BigInt(b * S + (i === 0 ? sample.prefix.length : start + i) - 1); // the position before predicts it
        labels[label] = BigInt(segment.labels[i]);
        weight[label++] = (share / B) * (options.scale ?? 1);
      });
      segments.push({ sample: b, seed: sample.seed, kind: segment.kind, labels: [from, label] });
    });
    for (let i = 0; i < S; i++) {
      const row = b * S + i;
      embedIndex[row] = BigInt(i < at && Number(ids[row]) === options.videoToken ? B * S + visual++ : row);
    }
    maskInto(bias.subarray(b * S * S, (b + 1) * S * S), owner);
  });
  if (visual !== B * T * M) throw new StaveError('USAGE', { what: `the prompts hold ${visual} placeholders, the clips give ${B * T * M} visual tokens` });

  const { cos, sin } = options.rope(positions);
  const head_dim = cos.length / (B * S);
  return {
    feeds: {
      ...options.visionTables,
      pixel_values: tensor('uint8', [B, T, N, pixels.length / (B * T * N)], pixels),
      input_ids: tensor('int64', [B, S], ids),
      embed_index: tensor('int64', [B * S], embedIndex),
      cos: tensor('float32', [B, S, head_dim], cos),
      sin: tensor('float32', [B, S, head_dim], sin),
      attention_bias: tensor('float32', [B, 1, S, S], bias),
      logits_index: tensor('int64', [L], logitsIndex),
      labels: tensor('int64', [L], labels),
      loss_weight: tensor('float32', [L], weight),
    },
    segments,
    pictures: samples.map((_, b) => ({ sample: b, feed: 'pixel_values', from: (b * pixels.length) / B, grid: [T, h, w] })),
    sizes: { B, T, M, S, L, tokens: samples.reduce((n, sample) => n + length(sample), 0), rows: B * Math.max(T * N, S) },
  };
}

/** A token sees the prefix and its own segment up to itself. Padding sees the same way, so that no row is empty. mask: [S, S] */
export function maskInto(mask: Float32Array, owner: Int32Array): void {
  const S = owner.length;
  for (let i = 0; i < S; i++) {
    const row = mask.subarray(i * S, (i + 1) * S).fill(MASKED);
    for (let j = 0; j <= i; j++) if (owner[j] === 0 || owner[j] === owner[i]) row[j] = 0;
  }
}

const count = (labels: number[]) => labels.reduce((n, label) => n + (label === IGNORED ? 0 : 1), 0);
const length = ({ prefix, segments }: Sample) => prefix.length + segments.reduce((n, segment) => n + segment.ids.length, 0);

/** An array that no thread copies. */
export function shared<A extends Uint8Array | Float32Array | BigInt64Array>(type: { new (buffer: SharedArrayBuffer): A; BYTES_PER_ELEMENT: number }, length: number): A {
  return new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT));
}

/** Feeds of a batch, by name. */
export const tensor = (dtype: Tensor['dtype'], dims: number[], data: Tensor['data']): Tensor => ({ dtype, dims, data });

export const isBad = (made: Batch | BadRow): made is BadRow => 'why' in made;

/** Splits a conversation into what all questions about the clip share (up to the end of the last clip) and the rest. */
export function splitPrefix(ids: number[], visionEnd: number): number {
  return ids.lastIndexOf(visionEnd) + 1;
}
