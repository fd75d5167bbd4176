import { isPicture, type ReadOptions } from '../video/index.ts';
import type { MediaPart } from './messages.ts';
import { timelineOf } from './reuse/timelines.ts';

/** A file as a part of a message: a picture (jpg, png, webp) is an image, all else a video. Its header and its packets' times are read, and kept for the plan.
 * @throws VIDEO_MISSING, VIDEO_UNREADABLE, VIDEO_NO_FRAMES, LIMIT; the signal's reason */
export async function filePart(path: string, read: ReadOptions = {}): Promise<MediaPart> {
  const { info } = await timelineOf(path, read);
  return isPicture(info) ? { type: 'image', image: path } : { type: 'video', video: path };
}
