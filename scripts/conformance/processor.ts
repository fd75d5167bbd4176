/** A set of processor results (a folder with processor.json and processor.safetensors): sizes, frame choice, resizing, pixels, tokens, positions, sampling of tokens, head counts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { candidates } from '../../src/generate/samplers.ts';
import { temporalHeads } from '../../src/models/qwen2vl/vision-config.ts';
import { ropeIndex, type Grid } from '../../src/models/qwen2vl/mrope.ts';
import { parsePreprocessorConfig } from '../../src/models/qwen2vl/preprocessor-config.ts';
import { pixelBytes, pixelValues } from '../../src/models/qwen2vl/processor.ts';
import { loadTokenizer } from '../../src/text/index.ts';
import { qwenFrameCount, resizeBicubic, sampleQwen, sampleStave, smartResize, type Picture, type ResizeRule } from '../../src/video/index.ts';
import { openWeights, type Weights } from '../../src/weights/index.ts';
import { pictures, type Row } from './compare.ts';

/** Of resized values, the part that may be more than one level off: the reference's own rounding. */
const RESIZE_OUTLIERS = 0.001;
/** Probabilities are recorded with six decimals. */
const PROBABILITY_TOLERANCE = 1e-6;

type Section = (rows: never, tensors: Weights, dir: string) => Row[] | Promise<Row[]>;

const sections: Record<string, Section> = { smart_resize: sizes, qwen_vl_utils_sampling: qwenSampling, stave_sampling: staveSampling, resize, pixels, tokenizer, mrope, samplers, sta_heads: heads };

/** Checks every section of the set in `dir`; the tokenizer is in `../qwen2-tokenizer`. A row for each section, for each case where cases are large. */
export async function checkProcessorSet(dir: string): Promise<Row[]> {
  const file = JSON.parse(await readFile(join(dir, 'processor.json'), 'utf8')) as Record<string, never>;
  const tensors = await openWeights(join(dir, 'processor.safetensors'));
  try {
    const results: Row[] = [];
    for (const [name, rows] of Object.entries(file)) {
      const check = sections[name];
      if (check === undefined) results.push({ name, ok: false, note: 'no check for this section' });
      else results.push(...(await Promise.resolve().then(() => check(rows, tensors, dir)).catch((error: Error) => [{ name, ok: false, note: error.message }])));
    }
    return results;
  } finally {
    await tensors.close();
  }
}

function sizes({ factor, rows }: { factor: number; rows: [number, number, number, number, [number, number]][] }): Row[] {
  return [exact('smart_resize', rows, ([height, width, minPixels, maxPixels, expected]) => {
    const size = smartResize(height, width, { factor, minPixels, maxPixels });
    return same([size.height, size.width], expected);
  })];
}

type QwenRow = { total_frames: number; video_fps: number; options: { nframes?: number; fps?: number; min_frames?: number; max_frames?: number }; nframes: number; indices: number[] | null };

function qwenSampling(rows: QwenRow[]): Row[] {
  return [exact('qwen_vl_utils_sampling', rows, ({ total_frames: frames, video_fps: fps, options, nframes, indices }) => {
    const clip = { frames, fps, duration: frames / fps };
    const sampling = options.nframes === undefined ? { fps: options.fps, minFrames: options.min_frames, maxFrames: options.max_frames } : { nframes: options.nframes };
    return qwenFrameCount(clip, sampling) === nframes && (indices === null || same(sampleQwen(clip, sampling).indices, indices)); // long lists of indices are not recorded
  })];
}

type StaveRow = { source_fps: number; duration: number; fps: number; minf: number; maxf: number; indices: number[] };

function staveSampling(rows: StaveRow[]): Row[] {
  return [exact('stave_sampling', rows, ({ source_fps, duration, fps, minf, maxf, indices }) => {
    const clip = { frames: Math.round(source_fps * duration), fps: source_fps, duration };
    return same(sampleStave(clip, { fps, minFrames: minf, maxFrames: maxf }).indices, indices);
  })];
}

async function resize({ rows }: { rows: [number, number, number, number][] }, tensors: Weights): Promise<Row[]> {
  const results: Row[] = [];
  for (const [i, [h, w, H, W]] of rows.entries())
    for (const rule of ['pil', 'torchvision'] satisfies ResizeRule[]) {
      const actual = resizeBicubic(await bytes(tensors, `resize.${i}.input`), h, w, H, W, rule);
      const expected = await bytes(tensors, `resize.${i}.${rule}`);
      const outliers = actual.filter((value, k) => Math.abs(value - expected[k]) > 1).length / expected.length;
      results.push({ name: `resize.${i} ${h}×${w} → ${H}×${W} ${rule}`, deviation: largestDifference(actual, expected), ok: actual.length === expected.length && outliers <= RESIZE_OUTLIERS, note: `${(100 * outliers).toFixed(2)} % over 1 level` });
    }
  return results;
}

type PixelRow = { min_pixels: number; max_pixels: number; key: string; grid_thw: Grid[] };

async function pixels(rows: PixelRow[], tensors: Weights): Promise<Row[]> {
  const results: Row[] = [];
  for (const [i, { min_pixels, max_pixels, key, grid_thw }] of rows.entries()) {
    const config = parsePreprocessorConfig({ min_pixels, max_pixels });
    const { pixel_values, grid } = pixelValues(await frames(tensors, `pixels.${i}.frames`), config);
    const d = largestDifference(pixel_values, await tensors.readF32(`pixels.${i}.${key}`));
    results.push({ name: `pixels.${i} ${key}`, deviation: d, ok: d === 0 && same(grid, grid_thw[0]), note: `grid ${grid.join('×')}` });
    const raw = pixelBytes(await frames(tensors, `pixels.${i}.frames`), { ...config, do_rescale: false, do_normalize: false });
    const plain = pixelValues(await frames(tensors, `pixels.${i}.frames`), { ...config, do_rescale: false, do_normalize: false });
    if (largestDifference(raw.pixel_values, plain.pixel_values) !== 0) results.push({ name: `pixels.${i} bytes`, ok: false, note: 'bytes and floats are ordered differently' });
  }
  return results;
}

type TokenRow = { text: string; ids: number[]; decoded: string; decoded_no_special: string };

async function tokenizer(rows: TokenRow[], _tensors: Weights, dir: string): Promise<Row[]> {
  const qwen2 = await loadTokenizer((name) => readText(join(dir, '../qwen2-tokenizer', name)));
  return [
    exact('tokenizer ids', rows, ({ text, ids }) => same(qwen2.encode(text, { special: true }), ids)),
    exact('tokenizer text', rows, ({ ids, decoded, decoded_no_special }) => qwen2.decode(ids) === decoded && qwen2.decode(ids, { skipSpecial: true }) === decoded_no_special),
  ];
}

type RopeRow = { input_ids: number[]; image_grid_thw: Grid[]; video_grid_thw: Grid[]; position_ids: number[][]; rope_delta: number };

function mrope(rows: RopeRow[]): Row[] {
  const tokens = { image_token_id: 151655, video_token_id: 151656, spatial_merge_size: 2 };
  return [exact('mrope', rows, (row) => {
    const { position_ids, rope_delta } = ropeIndex(row.input_ids, { images: row.image_grid_thw, videos: row.video_grid_thw }, tokens);
    return rope_delta === row.rope_delta && same(position_ids, row.position_ids.flat());
  })];
}

type SamplerRow = { options: Parameters<typeof candidates>[2]; previous_ids: number[]; logits: number[]; probabilities: number[] };

function samplers(rows: SamplerRow[]): Row[] {
  let worst = 0;
  for (const { options, previous_ids, logits, probabilities } of rows) {
    const { ids, probabilities: p } = candidates(Float32Array.from(logits), previous_ids, options);
    const dense = new Float64Array(logits.length);
    ids.forEach((id, i) => (dense[id] = p[i]));
    worst = Math.max(worst, largestDifference(dense, probabilities));
  }
  return [{ name: 'samplers', ok: worst <= PROBABILITY_TOLERANCE, deviation: worst, note: `${rows.length} rows` }];
}

function heads(rows: [heads: number, scale: number, expected: number][]): Row[] {
  return [exact('sta_heads', rows, ([heads, scale, expected]) => temporalHeads(heads, scale) === expected)];
}

/** One row for a section whose rows are either right or wrong. */
function exact<T>(name: string, rows: T[], holds: (row: T) => boolean): Row {
  const wrong = rows.findIndex((row) => !holds(row));
  return { name, ok: wrong === -1, note: wrong === -1 ? `${rows.length} rows` : `row ${wrong} differs: ${JSON.stringify(rows[wrong]).slice(0, 200)}` };
}

async function frames(tensors: Weights, name: string): Promise<Picture[]> {
  return pictures(await bytes(tensors, name), tensors.info(name).shape);
}

async function bytes(tensors: Weights, name: string): Promise<Uint8Array> {
  return (await tensors.read(name)) as Uint8Array;
}

/** A text file, or what is packed in the one with .gz; undefined when there is neither. */
async function readText(file: string): Promise<string | undefined> {
  const plain = await readFile(file, 'utf8').catch(() => undefined);
  if (plain !== undefined) return plain;
  const packed = await readFile(`${file}.gz`).catch(() => undefined);
  return packed && (await promisify(gunzip)(packed)).toString('utf8');
}

function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return largestDifference(a, b) === 0;
}

/** Largest difference of two equally long lists; infinite when they are not. */
function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  return Number.isNaN(worst) ? Infinity : worst;
}
