import { AV_FRAME_FLAG_CORRUPT, AV_NOPTS_VALUE, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { Frame } from 'node-av/lib';
import type { CodecContext, Packet } from 'node-av/lib';
import { FFmpegFailure } from './ffmpeg.ts';
import { within } from './limits.ts';
import type { Limits } from './limits.ts';
import type { VideoFile } from './video-file.ts';
import { unreadable } from './video-file.ts';

/** Runs a decoder over a file: `next()` gives frame after frame in the order shown, `seek()` jumps. Must be freed. */
export class FrameSource {
  /** What was wrong with the file so far, in words; only ever set when damage is tolerated. */
  readonly damage: string[] = [];
  readonly #file: VideoFile;
  readonly #limits: Limits;
  readonly #tolerant: boolean;
  readonly #decoder: CodecContext;
  readonly #frame = new Frame();
  #flushing = false;
  #ended = false;
  #packets = 0;

  /** @param tolerant go on after damage and note it, instead of throwing VIDEO_UNREADABLE */
  constructor(file: VideoFile, limits: Limits, tolerant: boolean, threads: number) {
    this.#file = file;
    this.#limits = limits;
    this.#tolerant = tolerant;
    this.#decoder = file.openDecoder(limits, threads);
    this.#frame.alloc();
  }

  /** The next frame, valid until the next call; `undefined` = a packet was eaten without one (time to breathe), `null` = the end. */
  next(): Frame | undefined | null {
    const frame = this.#receive();
    if (frame) return frame;
    if (this.#ended) return null;
    this.#send();
    return this.#receive();
  }

  /** Ticks of a frame on the stream's clock. */
  ticksOf(frame: Frame): number | undefined {
    const best = frame.bestEffortTimestamp;
    return best === AV_NOPTS_VALUE ? undefined : Number(best);
  }

  /** Continues from a keyframe at or before `ticks`. */
  seek(ticks: number): boolean {
    if (!this.#file.seek(ticks)) return false;
    this.#decoder.flushBuffers();
    this.#flushing = false;
    this.#ended = false;
    return true;
  }

  free(): void {
    this.#frame.free();
    this.#decoder.freeContext();
  }

  #receive(): Frame | undefined {
    this.#frame.unref();
    const code = this.#decoder.receiveFrameSync(this.#frame);
    if (code === AVERROR_EAGAIN) return undefined;
    if (code === AVERROR_EOF) {
      this.#ended = true;
      return undefined;
    }
    if (code < 0) {
      this.#ended = this.#flushing;
      return this.#hurt(new FFmpegFailure(code, 'a frame'));
    }
    if (this.#frame.flags & AV_FRAME_FLAG_CORRUPT || this.#frame.decodeErrorFlags) this.#hurt(new Error('a frame is damaged'));
    return this.#frame;
  }

  #send(): void {
    let packet: Packet | undefined;
    try {
      packet = this.#file.read();
    } catch (error) {
      this.#hurt(error as Error);
    }
    if (++this.#packets % 64 === 0) within(this.#limits, 'memory', process.memoryUsage.rss(), this.#file.info.path, 'bytes of memory');
    this.#flushing = !packet;
    const code = this.#decoder.sendPacketSync(packet ?? null);
    if (code === AVERROR_EOF) this.#ended = true;
    else if (code < 0) this.#hurt(new FFmpegFailure(code, 'a frame'));
  }

  #hurt(error: Error): undefined {
    if (!this.#tolerant) throw unreadable(this.#file.info.path, `it is damaged: ${error.message}`, 'fetch it again; or allow partial videos, to use what can be decoded', error);
    if (this.damage.length < 20) this.damage.push(error.message);
    return undefined;
  }
}

/** As many decoding threads as frames of this size are worth. */
export function threadsFor(pixels: number, cores: number): number {
  return pixels < 400_000 ? 1 : Math.min(cores, 4);
}
