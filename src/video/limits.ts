import { StaveError } from '../errors.ts';

/** Containers read, by FFmpeg's names: mp4/mov/m4v/3gp, mkv/webm, avi, gif, and single pictures: jpg, png, webp. Playlists, image sequences, devices and the network are not. */
export const containers = ['mov', 'matroska', 'avi', 'gif', 'jpeg_pipe', 'png_pipe', 'webp_pipe'] as const;

/** Whether a file is a single picture, by what its header says of the container. */
export const isPicture = ({ format }: { format: string }): boolean => format.endsWith('_pipe');

/** Video decoders used, by FFmpeg's names. */
export const decoders = ['h264', 'hevc', 'vp8', 'vp9', 'libdav1d', 'mpeg4', 'mjpeg', 'gif', 'png', 'webp'] as const;

/** The same by the names of the codecs, for people. */
export const codecNames = decoders.map((name) => (name === 'libdav1d' ? 'av1' : name));

/** What one file may ask for. The header is held against it before anything is decoded, and the work itself while it runs. */
export type Limits = {
  /** Pixels of one stored frame. Default 8192 · 4320. */
  pixels: number;
  /** Seconds of video. Default 6 hours. */
  duration: number;
  /** Frames in the file. Default 2,000,000. */
  frames: number;
  /** Seconds of waiting for the decoder, in all. Default 300. */
  timeout: number;
  /** Bytes of memory of the decoding process. Default 1 GiB. */
  memory: number;
};

export const defaultLimits: Limits = { pixels: 8192 * 4320, duration: 6 * 3600, frames: 2_000_000, timeout: 300, memory: 2 ** 30 };

/** @throws LIMIT when `value` is over the limit of that name */
export function within(limits: Limits, name: keyof Limits, value: number, path: string, unit: string): void {
  if (value <= limits[name]) return;
  throw new StaveError('LIMIT', {
    what: `${path} asks for ${Math.ceil(value).toLocaleString('en')} ${unit}`, why: `the limit is ${limits[name].toLocaleString('en')}`,
    fix: `if the file can be trusted, raise limits.${name}; else cut or shrink it first`,
  });
}
