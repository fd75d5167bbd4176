import { sampleLmms, type Timeline } from '../../video/index.ts';
import { lmmsSettings } from './settings.ts';

/** The two stages of the harness: the frames read from the file (2 per second), and of these the at most 32 that are shown. Indices of frames.
 * @throws VIDEO_TOO_SHORT for fewer than 2 frames */
export function lmmsFrames(clip: Timeline): { read: number[]; shown: number[] } {
  const { max_frames } = lmmsSettings.frames;
  return { read: sampleLmms(clip, { maxFrames: Infinity }).indices, shown: sampleLmms(clip, { maxFrames: max_frames }).indices };
}
