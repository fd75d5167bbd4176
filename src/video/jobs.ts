import { StaveError } from '../errors.ts';
import { FFmpegFailure } from './ffmpeg.ts';
import { FrameSource, threadsFor } from './frames.ts';
import type { Limits } from './limits.ts';
import { within } from './limits.ts';
import { allFrames, pickedFrames } from './pick.ts';
import { Converter } from './pixels.ts';
import type { ResizeRule } from './resize.ts';
import { scanPackets } from './scan.ts';
import type { Scan } from './scan.ts';
import { unreadable, VideoFile } from './video-file.ts';
import type { Size, VideoInfo } from './video-info.ts';

/** What can be asked of the decoder: plain data, so that it can go to another process. */
export type Job = { path: string; limits: Limits; partial: boolean; cores: number } & (
  | { kind: 'probe' }
  | { kind: 'times' }
  | { kind: 'decode'; pick: 'all' | readonly number[]; size?: Size; rule: ResizeRule }
);

/** What comes back, in this order: one `info`; `times` or any number of `frame`s; one `done`. Bytes are valid until the next message. */
export type Message =
  | { type: 'info'; info: VideoInfo }
  | { type: 'times'; /** float64 seconds, one per frame */ data: Uint8Array; /** Seconds the last frame lasts, 0 if unknown. */ lastDuration: number }
  | { type: 'frame'; index: number; time: number; width: number; height: number; /** RGB [height, width, 3] */ data: Uint8Array }
  | { type: 'done'; /** What was wrong with the file, if that was allowed. */ damage: string[] };

/** Does a job, synchronously, message by message; `undefined` where a caller may breathe or stop. The same code runs in this process and in a child. */
export function* run(job: Job): Generator<Message | undefined, void> {
  const file = new VideoFile(job.path, job.limits, job.partial);
  try {
    yield { type: 'info', info: file.info };
    const damage = file.info.truncated ? [`the file is cut short: ${file.info.truncated}`] : [];
    if (job.kind === 'times') yield* timesOf(file, job, damage);
    if (job.kind === 'decode') yield* decode(file, job, damage);
    yield { type: 'done', damage };
  } catch (error) {
    throw error instanceof FFmpegFailure ? unreadable(job.path, error.message, undefined, error) : error;
  } finally {
    file.close();
  }
}

function* timesOf(file: VideoFile, job: Job, damage: string[]): Generator<Message | undefined, void> {
  const scan = scanned(file, job, damage);
  let times: Float64Array;
  if (scan) times = scan.ticks.map((ticks) => ticks * file.tick);
  else { // packets without times: only decoding tells
    const decoded: number[] = [];
    for (const frame of everyFrame(job, damage)) {
      if (frame) decoded.push(frame.time);
      else yield undefined;
    }
    times = Float64Array.from(decoded);
  }
  if (times.length === 0) throw noFrames(job.path);
  yield { type: 'times', data: new Uint8Array(times.buffer, times.byteOffset, times.byteLength), lastDuration: (scan?.lastDuration ?? 0) * file.tick };
}

function* decode(file: VideoFile, job: Job & { kind: 'decode' }, damage: string[]): Generator<Message | undefined, void> {
  const scan = job.pick === 'all' ? undefined : scanned(file, job, damage);
  if (job.pick !== 'all' && scan) {
    const beyond = job.pick.find((index) => index >= scan.ticks.length);
    if (beyond !== undefined) throw new StaveError('USAGE', { what: `${job.path} has no frame ${beyond}`, why: `it has ${scan.ticks.length} frames`, fix: 'count frames from 0' });
  }
  const converter = new Converter(file.orientation, job.size, job.rule);
  const missing = new Set(job.pick === 'all' ? [] : job.pick);
  let given = 0;
  try {
    for (const numbered of scan && job.pick !== 'all' ? chosenFrames(job, job.pick, scan, damage) : everyFrame(job, damage, job.pick === 'all' ? file : undefined)) {
      if (!numbered || (job.pick !== 'all' && !missing.delete(numbered.index))) { yield undefined; continue; }
      given++;
      yield { type: 'frame', index: numbered.index, time: numbered.time, ...converter.convert(numbered.frame) };
      if (job.pick !== 'all' && missing.size === 0) break;
    }
  } finally {
    converter.free();
  }
  if (given === 0 && (job.pick === 'all' || job.pick.length > 0)) throw noFrames(job.path);
  if (missing.size === 0) return;
  const which = `frame${missing.size === 1 ? '' : 's'} ${[...missing].slice(0, 5).join(', ')}${missing.size > 5 ? ', …' : ''} could not be decoded`;
  if (!job.partial) throw unreadable(job.path, `it is damaged: ${which}`, 'fetch it again; or allow partial videos, to use what can be decoded');
  damage.push(which);
}

/** All frames in order, from `fresh` (opened, nothing read yet) or the file opened anew. */
function* everyFrame(job: Job, damage: string[], fresh?: VideoFile) {
  yield* withSource(job, damage, fresh, function* (source, file) {
    let count = 0;
    for (const numbered of allFrames(source, file.tick)) {
      if (numbered) within(job.limits, 'frames', ++count, job.path, 'frames');
      yield numbered;
    }
  });
}

/** The frames asked for; should a jump to a keyframe not lead where the scan says, the rest comes by decoding from the start. */
function* chosenFrames(job: Job, picks: readonly number[], scan: Scan, damage: string[]) {
  const lostFrom = yield* withSource(job, damage, undefined, function* (source, file) {
    return (yield* pickedFrames(source, file.tick, picks, scan, true)).lostFrom;
  });
  if (lostFrom === undefined) return;
  yield* withSource(job, damage, undefined, (source, file) => pickedFrames(source, file.tick, picks.slice(lostFrom), scan, false));
}

function* withSource<Y, R>(job: Job, damage: string[], fresh: VideoFile | undefined, use: (source: FrameSource, file: VideoFile) => Generator<Y, R>): Generator<Y, R> {
  const file = fresh ?? new VideoFile(job.path, job.limits, job.partial);
  let source: FrameSource | undefined;
  try {
    source = new FrameSource(file, job.limits, job.partial, threadsFor(file.info.codedWidth * file.info.codedHeight, job.cores));
    return yield* use(source, file);
  } finally {
    if (source) damage.push(...source.damage);
    source?.free();
    if (!fresh) file.close();
  }
}

function scanned(file: VideoFile, job: Job, damage: string[]): Scan | undefined {
  try {
    return scanPackets(file, job.limits);
  } catch (error) {
    if (error instanceof StaveError) throw error;
    if (!job.partial) throw unreadable(job.path, `it is damaged: ${(error as Error).message}`, 'fetch it again; or allow partial videos, to use what can be decoded', error);
    damage.push((error as Error).message);
    return undefined;
  }
}

function noFrames(path: string): StaveError {
  return new StaveError('VIDEO_NO_FRAMES', { what: `${path} holds no frame that can be decoded`, fix: 'check that it plays elsewhere' });
}
