/** One row of a data file, whatever form it was written in: what is said, about which videos and images. */
import type { Message } from '../text/index.ts';

/** What a row may say of a video or image itself; what it leaves out is as for all. */
export type MediaWishes = {
  /** Frames a second, where the sampling rule takes them. */
  fps?: number;
  /** Bounds of a frame's area. */
  min_pixels?: number;
  max_pixels?: number;
};

/** A video or image: a file; or a video whose frames are picture files, each with its time in seconds where times are known. Paths are absolute. */
export type MediaFile = MediaWishes & ({ kind: 'image' | 'video'; path: string } | { kind: 'video'; frames: readonly string[]; times: readonly number[] | null });

/** The messages, in them a place for each video and image, and these in the order of their places. */
export type Dialogue = {
  /** The row's own name, where it has one. */
  id: string | null;
  messages: Message[];
  media: MediaFile[];
  /** Numbers of the assistant's messages that are not to be learnt, as the row itself says. */
  unlearnt: number[];
};

/** The kinds of what can be wrong with a row. */
export const problemKinds = {
  json: 'it is not JSON',
  form: 'it has none of the known forms, or a field of it is not what it should be',
  roles: 'the turns are not user and assistant in turn, ending with an answer',
  empty: 'an answer or a question is empty',
  placeholders: 'the messages name another number of videos or images than the row gives',
  missing: 'a file does not exist',
  media: 'a video or image cannot be read',
  tokens: 'it takes more tokens than are allowed',
} as const;

export type ProblemKind = keyof typeof problemKinds;

/** What is wrong with a row. */
export type Problem = { kind: ProblemKind; what: string };

/** The files of a video or image. */
export function filesOf(media: MediaFile): readonly string[] {
  return 'path' in media ? [media.path] : media.frames;
}
