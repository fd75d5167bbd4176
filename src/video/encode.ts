import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { StaveError } from '../errors.ts';

/** An RGB frame, [height, width, 3], 8 bits. */
export type Picture = { data: Uint8Array; width: number; height: number };

export type EncodeOptions = {
  /** Frames per second, constant. 29.97, 23.976 and 59.94 mean 30000/1001 and so on. */
  fps: number;
  /** Default: h264, for .webm vp9. */
  codec?: 'h264' | 'vp9';
  /** Constant rate factor, lower is better: h264 0–51 (default 20), vp9 0–63 (default 30). */
  quality?: number;
  /** What the encoder spends its time on. Default `fast`; `small` takes several times longer for smaller files. */
  speed?: 'fast' | 'small';
  /** Aborting leaves no file. */
  signal?: AbortSignal;
};

const containers: Record<string, { format: string; codecs: readonly ('h264' | 'vp9')[] }> = {
  '.mp4': { format: 'mp4', codecs: ['h264', 'vp9'] },
  '.mov': { format: 'mov', codecs: ['h264'] },
  '.mkv': { format: 'matroska', codecs: ['h264', 'vp9'] },
  '.webm': { format: 'webm', codecs: ['vp9'] },
};

/** Writes frames as a video file, container by extension (.mp4, .mov, .mkv, .webm), 8-bit 4:2:0, BT.601, constant rate. Frames stream: one is
 * held at a time. The file appears under its name only when it is complete.
 * @throws VIDEO_ENCODE for sizes that are odd or change, no frames, an unsupported extension or codec, or an encoder or disk failure */
export async function encodeVideo(path: string, frames: Iterable<Picture> | AsyncIterable<Picture>, options: EncodeOptions): Promise<void> {
  const { fps, speed = 'fast', signal } = options;
  signal?.throwIfAborted();
  const container = containers[extname(path).toLowerCase()];
  if (!container) throw failure(path, `"${extname(path)}" is not an extension stave writes`, `name it ${Object.keys(containers).join(', ')}`);
  const codec = options.codec ?? container.codecs[0];
  if (!container.codecs.includes(codec)) throw failure(path, `${container.format} holds no ${codec}`, `use ${container.codecs.join(' or ')}`);
  const quality = options.quality ?? (codec === 'h264' ? 20 : 30);
  const worst = codec === 'h264' ? 51 : 63;
  if (!(quality >= 0 && quality <= worst)) throw failure(path, `quality ${quality} is not in 0–${worst}`, 'lower is better; leave it out for the default');
  if (!(fps > 0 && fps <= 1000)) throw failure(path, `${fps} frames per second is not a rate`, 'give a rate above 0, e.g. 30');

  const { Encoder } = await import('./encoder.ts'); // loads FFmpeg
  const partial = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.partial`);
  const attempt = <T>(step: Promise<T>) => step.catch((error: Error) => { throw failure(path, error.message, 'check that the folder exists, can be written to and has room', error); });
  let encoder: Awaited<ReturnType<typeof Encoder.open>> | undefined;
  try {
    for await (const frame of frames) {
      signal?.throwIfAborted();
      checkFrame(path, frame, encoder);
      encoder ??= await attempt(Encoder.open(partial, { format: container.format, codec, width: frame.width, height: frame.height, fps, quality, speed }));
      await attempt(encoder.push(frame.data));
    }
    signal?.throwIfAborted();
    if (!encoder) throw failure(path, 'there are no frames', 'give at least one');
    await attempt(encoder.finish());
    encoder.free();
    encoder = undefined;
    await attempt(rename(partial, path));
  } catch (error) {
    encoder?.free();
    await rm(partial, { force: true });
    throw error;
  }
}

/** A picture as the bytes of a JPEG file. @param quality 2 (best) to 31  @throws VIDEO_ENCODE */
export async function encodeJpeg(picture: Picture, quality = 6): Promise<Uint8Array> {
  const { width, height, data } = picture;
  if (data.length !== width * height * 3 || width === 0 || height === 0) throw failure('a picture', `${data.length} bytes are not ${width}×${height} RGB`, 'give [height, width, 3] bytes');
  const { jpeg } = await import('./jpeg.ts'); // loads FFmpeg
  return jpeg(picture, quality).catch((error: Error) => { throw failure('a picture', error.message, 'report this with the picture', error); });
}

function failure(path: string, why: string, fix: string, cause?: unknown): StaveError {
  return new StaveError('VIDEO_ENCODE', { what: `cannot write ${path}`, why, fix, cause });
}

function checkFrame(path: string, { width, height, data }: Picture, first: { width: number; height: number } | undefined): void {
  if (data.length !== width * height * 3) throw failure(path, `a frame of ${data.length} bytes is not ${width}×${height} RGB`, 'give [height, width, 3] bytes');
  if (width % 2 || height % 2 || width === 0 || height === 0) throw failure(path, `${width}×${height} has an odd side, 4:2:0 video needs even ones`, 'pad or crop the frames by one pixel');
  if (first && (first.width !== width || first.height !== height)) throw failure(path, `frames change from ${first.width}×${first.height} to ${width}×${height}`, 'give frames of one size');
}
