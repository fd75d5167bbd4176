import { linspace64, roundHalfEven } from '../video/rounding.ts';
import { sampleLmms, sampleStave, smartResize, type Sampled, type Timeline } from '../video/index.ts';
import { StaveError } from '../errors.ts';
import type { FrameRule, TaskSettings } from './task.ts';

/** The frames a task shows of a clip. @throws VIDEO_TOO_SHORT; USAGE where the model is to choose them */
export function taskFrames(clip: Timeline, frames: FrameRule): Sampled {
  switch (frames.rule) {
    case 'lmms':
      return sampleLmms(clip, { maxFrames: frames.max_frames });
    case 'stave':
      return sampleStave(clip, { fps: frames.fps, minFrames: frames.min_frames, maxFrames: frames.max_frames });
    case 'ends':
      return sampleEnds(clip, frames.frames);
    case 'model':
      throw new StaveError('USAGE', { what: 'this task leaves the choice of frames to the model', fix: 'take the rule in its config.json, or its default' });
  }
}

/** `count` times spread from 0 to the start of the last frame, frame = round(time · rate); repeats and frames beyond the end are lost.
 * Source: the authors' vsm/evaluation/dataset.py */
function sampleEnds(clip: Timeline, count: number): Sampled {
  const wanted = Array.from(linspace64(clip.duration - 1 / clip.fps, count), (time) => roundHalfEven(time * clip.fps));
  const indices = [...new Set(wanted)].filter((i) => i >= 0 && i < clip.frames);
  if (indices.length === 0) throw new StaveError('VIDEO_TOO_SHORT', { what: 'the clip has no frames', fix: 'leave it out' });
  return { indices, times: indices.map((i) => (clip.times ? clip.times[i] : i / clip.fps)) };
}

/** Frame size of the tasks whose frames go through the image processor alone: transformers 4.46.1 refuses a side under 28, where qwen-vl-utils makes it 28.
 * @returns pixels  @throws LIMIT */
export function processorSize(height: number, width: number, { min_pixels, max_pixels }: NonNullable<TaskSettings['pixels']>): { height: number; width: number } {
  if (Math.min(height, width) < FACTOR) throw new StaveError('LIMIT', { what: `a frame of ${width}×${height} pixels is too small`, why: `both sides must be at least ${FACTOR} pixels`, fix: 'enlarge the video first' });
  return smartResize(height, width, { factor: FACTOR, minPixels: min_pixels, maxPixels: max_pixels });
}

const FACTOR = 28; // a visual token's side: two patches of 14 pixels

export type Crop = { top: number; left: number; height: number; width: number };

/** Cuts videos at the centre to the smallest height and the smallest width among them: they need one grid to form one temporal sequence. Pixels. */
export function commonCrop(sizes: readonly { height: number; width: number }[]): Crop[] {
  const height = Math.min(...sizes.map((size) => size.height)), width = Math.min(...sizes.map((size) => size.width));
  return sizes.map((size) => ({ top: Math.floor((size.height - height) / 2), left: Math.floor((size.width - width) / 2), height, width }));
}
