/** Checks a set of clips whose frames show their own number (`videos.json`): count, times, numbers, upright, mean colour; broken files give one clear error. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../../src/errors.ts';
import { decode, frameTimes, probe } from '../../src/video/index.ts';
import type { Frame, VideoInfo } from '../../src/video/index.ts';
import type { Row } from './compare.ts';

type Expected =
  | { error: true }
  | { codec: string; width: number; height: number; rotation: number; frames: number; timestamps: number[]; numbers: number[] | 'range'; mean_rgb: [number, number, number] };

const maxSeconds = 0.001;
const maxLevels = 2; // of a clip's mean colour

/** A row per file of `dir`/videos.json; deviation: of timestamps, seconds. */
export async function checkVideoSet(dir: string): Promise<Row[]> {
  const videos: Record<string, Expected> = JSON.parse(await readFile(join(dir, 'videos.json'), 'utf8'));
  const rows: Row[] = [];
  for (const [name, expected] of Object.entries(videos)) {
    const path = join(dir, name);
    rows.push({ name, ...('error' in expected ? await checkBroken(path) : await checkClip(path, expected).catch((error: Error) => ({ ok: false, note: error.message.split('\n').join('; ') }))) });
  }
  return rows;
}

async function checkBroken(path: string): Promise<Omit<Row, 'name'>> {
  for (const read of [() => probe(path), () => frameTimes(path), async () => { for await (const _ of decode(path)); }]) {
    const error: unknown = await read().then(() => undefined, (e: unknown) => e);
    if (!(error instanceof StaveError)) return { ok: false, note: error === undefined ? 'no error' : String(error) };
    if (!error.code.startsWith('VIDEO_') || !error.fix) return { ok: false, note: `${error.code}: ${error.what}` };
  }
  return { ok: true };
}

async function checkClip(path: string, expected: Exclude<Expected, { error: true }>): Promise<Omit<Row, 'name'>> {
  const problems = new Set<string>();
  const clip = await frameTimes(path);
  const { info } = clip;
  if (info.codec !== expected.codec) problems.add(`codec ${info.codec}, not ${expected.codec}`);
  if (info.rotation !== expected.rotation) problems.add(`rotation ${info.rotation}, not ${expected.rotation}`);
  if (info.codedWidth !== expected.width || info.codedHeight !== expected.height) problems.add(`stored as ${info.codedWidth}×${info.codedHeight}, not ${expected.width}×${expected.height}`);
  if (clip.frames !== expected.frames) problems.add(`${clip.frames} frames by the packets, not ${expected.frames}`);

  let deviation = 0;
  let count = 0;
  const sum = [0, 0, 0];
  for await (const frame of decode(path)) {
    const wanted = expected.numbers === 'range' ? count : expected.numbers[count];
    if (frame.index !== count) problems.add(`frame ${count} is called ${frame.index}`);
    if (frame.width !== info.width || frame.height !== info.height) problems.add(`frame of ${frame.width}×${frame.height}`);
    if (shownNumber(frame, info) !== wanted) problems.add(`frame ${count} shows ${shownNumber(frame, info)}, not ${wanted}`);
    if (frame.time !== clip.times[count]) problems.add(`frame ${count} is at ${frame.time}, its packet at ${clip.times[count]}`);
    deviation = Math.max(deviation, Math.abs(frame.time - (expected.timestamps[count] ?? NaN)));
    for (let i = 0; i < frame.data.length; i++) sum[i % 3] += frame.data[i];
    count++;
  }
  if (count !== expected.frames) problems.add(`${count} frames, not ${expected.frames}`);
  if (!(deviation <= maxSeconds)) problems.add(`times off by ${deviation} s`);
  const mean = sum.map((s) => s / (count * info.width * info.height));
  if (!mean.every((m, c) => Math.abs(m - expected.mean_rgb[c]) <= maxLevels)) problems.add(`mean colour ${mean.map((m) => m.toFixed(1))}, not ${expected.mean_rgb}`);
  return { ok: problems.size === 0, deviation, ...(problems.size > 0 && { note: [...problems].slice(0, 3).join('; ') }) };
}

/** The number a frame shows: 12 squares along the top of the frame as stored, white = 1, most significant bit first. */
export function shownNumber(frame: Frame, { rotation, codedWidth: w, codedHeight: h }: VideoInfo): number {
  let number = 0;
  for (let bit = 0; bit < 12; bit++) {
    const x = Math.floor(((bit + 0.5) * w) / 12), y = Math.floor(w / 24); // centre of the square, as stored
    const [shownX, shownY] = { 90: [y, w - 1 - x], [-90]: [h - 1 - y, x], [-180]: [w - 1 - x, h - 1 - y], 180: [w - 1 - x, h - 1 - y] }[rotation] ?? [x, y];
    number = number * 2 + (frame.data[(shownY * frame.width + shownX) * 3] > 127 ? 1 : 0);
  }
  return number;
}
