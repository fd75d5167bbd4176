import { AV_CODEC_ID_GIF, AV_DISPOSITION_ATTACHED_PIC, AV_NOPTS_VALUE, AV_PKT_DATA_DISPLAYMATRIX, AVDISCARD_ALL, AVERROR_EOF, AVMEDIA_TYPE_VIDEO, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { avGetCodecName, avGetPixFmtName, Codec, CodecContext, Dictionary, FormatContext, InputFormat, Packet } from 'node-av/lib';
import type { Stream } from 'node-av/lib';
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { check } from './ffmpeg.ts';
import { codecNames, containers, decoders, within } from './limits.ts';
import type { Limits } from './limits.ts';
import { readDisplayMatrix, upright } from './orientation.ts';
import type { Orientation } from './orientation.ts';
import { findTruncation } from './truncation.ts';
import type { VideoInfo } from './video-info.ts';

/** An opened file: its video stream, its header, its packets. Must be closed. Synchronous: it lives in a process of its own or is trusted. */
export class VideoFile {
  readonly info: VideoInfo;
  readonly orientation: Orientation;
  readonly stream: Stream;
  /** Seconds of one tick of the stream's clock. */
  readonly tick: number;
  readonly #context: FormatContext;
  readonly #packet = new Packet();

  /** @throws VIDEO_UNREADABLE (no known container, or a codec not decoded), VIDEO_NO_FRAMES (no video stream), LIMIT
   * @param partial open a file that was cut short too, if its header is there */
  constructor(path: string, limits: Limits, partial: boolean) {
    const truncated = findTruncation(path);
    if (truncated && !partial) throw unreadable(path, `the file is cut short: ${truncated}`, 'fetch it again; or allow partial videos, to use what is there');
    this.#context = openContext(path, truncated);
    this.#packet.alloc();
    try {
      for (const { codecpar } of this.#context.streams) within(limits, 'pixels', codecpar.width * codecpar.height, path, 'pixels per frame');
      if (this.#context.findStreamInfoSync() < 0) throw unreadable(path, 'its streams cannot be read'); // may decode a few frames
      this.stream = findVideo(this.#context, path);
      const { num, den } = this.stream.timeBase;
      this.tick = num / den;
      const matrix = this.stream.codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX);
      const { orientation, rotation } = matrix && matrix.length >= 36 ? readDisplayMatrix(matrix) : { orientation: upright, rotation: 0 };
      this.orientation = orientation;
      this.info = { ...describe(path, this.#context, this.stream, orientation), rotation, ...(truncated && { truncated }) };
      within(limits, 'pixels', this.info.codedWidth * this.info.codedHeight, path, 'pixels per frame');
      within(limits, 'duration', this.info.duration, path, 'seconds of video');
      within(limits, 'frames', this.info.frames ?? 0, path, 'frames');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next packet of the video stream, valid until the next call; undefined at the end. Throws FFmpegFailure for a broken file. */
  read(): Packet | undefined {
    const { stream } = this;
    const [context, packet] = [this.#context, this.#packet];
    for (;;) {
      packet.unref();
      const code = context.readFrameSync(packet);
      if (code === AVERROR_EOF) return undefined;
      check(code, 'reading the file');
      if (packet.streamIndex === stream.index) return packet;
    }
  }

  /** Goes to a keyframe at or before `ticks`. @returns whether the container could */
  seek(ticks: number): boolean {
    return this.#context.seekFrameSync(this.stream.index, BigInt(ticks), AVSEEK_FLAG_BACKWARD) >= 0;
  }

  /** A decoder for the stream, to be freed by the caller. */
  openDecoder(limits: Limits, threads: number): CodecContext {
    const { codecpar, timeBase } = this.stream;
    const codec = Codec.findDecoder(codecpar.codecId)!;
    const context = new CodecContext();
    context.allocContext3(codec);
    try {
      check(context.parametersToContext(codecpar), 'setting up the decoder');
      context.pktTimebase = timeBase;
      context.threadCount = threads;
      context.setOption('max_pixels', Math.min(limits.pixels, 2 ** 31 - 1)); // a dictionary given to open2Sync would be freed twice (node-av 6.1)
      check(context.open2Sync(codec), 'opening the decoder');
      return context;
    } catch (error) {
      context.freeContext();
      throw error;
    }
  }

  close(): void {
    this.#packet.free();
    this.#context.freeContext(); // closes the file too
  }
}

export function unreadable(path: string, why: string, fix?: string, cause?: unknown): StaveError {
  return new StaveError('VIDEO_UNREADABLE', { what: `${path} cannot be decoded`, why, fix: fix ?? 'check that it plays elsewhere; convert it to mp4 (h264) if so', cause });
}

function openContext(path: string, truncated: string | undefined): FormatContext {
  const context = new FormatContext(); // allocated by opening: FFmpeg frees it when that fails, and node-av 6.1 would not know
  const options = Dictionary.fromObject({ protocol_whitelist: 'file', format_whitelist: containers.join(','), codec_whitelist: decoders.join(',') });
  const code = context.openInputSync(`file:${resolve(path)}`, null, options);
  options.free();
  if (code < 0) {
    if (truncated) throw unreadable(path, `the file is cut short: ${truncated}, and what is there cannot be read`, 'fetch it again');
    throw unreadable(path, looksLike(path), 'give an mp4, mov, mkv, webm, avi or gif file');
  }
  return context;
}

/** Why a file was not opened: by its first bytes, it is something else, or nothing known. */
function looksLike(path: string): string {
  const bytes = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  const length = readSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
  const head = bytes.subarray(0, length);
  const name = InputFormat.probe(Buffer.concat([head, Buffer.alloc(64)]))?.name;
  if (name && containers.some((c) => name.split(',').includes(c))) return `its ${name.split(',')[0]} header is damaged`;
  if (name && name !== 'tty') return `it looks like "${name}", which stave does not read`;
  return head.every((b) => b >= 9 && b !== 127) ? 'it is text, not a video' : 'it begins like no known video';
}

function findVideo(context: FormatContext, path: string): Stream {
  const index = context.findBestStream(AVMEDIA_TYPE_VIDEO);
  const stream = context.streams.find((s) => s.index === index);
  if (!stream || stream.hasDisposition(AV_DISPOSITION_ATTACHED_PIC)) {
    throw new StaveError('VIDEO_NO_FRAMES', { what: `${path} has no video stream`, why: context.nbStreams > 0 ? 'it holds sound or other data alone' : undefined, fix: 'give a file with moving pictures' });
  }
  const decoder = Codec.findDecoder(stream.codecpar.codecId);
  if (!decoder || !decoders.some((name) => name === decoder.name)) {
    throw unreadable(path, `its codec "${avGetCodecName(stream.codecpar.codecId)}" is not one stave decodes (${codecNames.join(', ')})`, 'convert it to mp4 (h264)');
  }
  for (const other of context.streams) if (other.index !== index) other.discard = AVDISCARD_ALL;
  return stream;
}

function describe(path: string, context: FormatContext, stream: Stream, { swap }: Orientation): Omit<VideoInfo, 'rotation'> {
  const { codecpar, timeBase, avgFrameRate, rFrameRate } = stream;
  const { width, height } = codecpar;
  const seconds = (ticks: bigint) => (Number(ticks) * timeBase.num) / timeBase.den;
  // FFmpeg's average for gif comes from the first few delays; its base rate fits better
  const rate = [codecpar.codecId === AV_CODEC_ID_GIF ? rFrameRate : avgFrameRate, avgFrameRate, rFrameRate].find((r) => r.num > 0 && r.den > 0);
  const known = stream.duration !== AV_NOPTS_VALUE && stream.duration > 0n;
  return {
    path, format: context.iformat?.name ?? '', codec: avGetCodecName(codecpar.codecId) ?? '',
    width: swap ? height : width, height: swap ? width : height, codedWidth: width, codedHeight: height,
    duration: known ? seconds(stream.duration) : context.duration > 0n ? Number(context.duration) / 1e6 : 0,
    fps: rate ? rate.num / rate.den : 0,
    frames: stream.nbFrames > 0n ? Number(stream.nbFrames) : null,
    startTime: stream.startTime === AV_NOPTS_VALUE ? 0 : seconds(stream.startTime),
    pixelFormat: avGetPixFmtName(codecpar.format as Parameters<typeof avGetPixFmtName>[0]) ?? '',
  };
}
