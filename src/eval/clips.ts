/** Videos as a task shows them: a path where the model's own reading knows the task's rule, else the frames themselves. */
import { decode, frameTimes, type Picture } from '../video/index.ts';
import { commonCrop, taskFrames, type Crop } from '../tasks/frames.ts';
import type { FrameRule, TaskSettings } from '../tasks/index.ts';
import type { AskOptions, FrameInput, FrameSampling } from '../generate/index.ts';

/** A task's settings as options of an answer. What stands in neither comes from the checkpoint's files. */
export function optionsOf(settings: TaskSettings): AskOptions {
  const { eos_token, generation: { max_new_tokens, do_sample } } = settings; // temperature, top_p and num_beams of greedy tasks say nothing
  return { max_new_tokens, ...(do_sample === undefined ? {} : { do_sample }), ...(eos_token === undefined ? {} : { eos_token }), ...viewOf(settings) };
}

/** Of these, what decides what the model sees. */
export function viewOf({ frames, pixels, temporal_scope }: TaskSettings): Pick<AskOptions, 'sampling' | 'min_pixels' | 'max_pixels' | 'temporal_scope'> {
  const sampling = samplingOf(frames);
  return { ...(sampling && { sampling }), ...pixels, temporal_scope };
}

/** The rule of an answer that is the task's; undefined: the model's own, or none that it knows. */
function samplingOf(frames: FrameRule): FrameSampling | undefined {
  return frames.rule === 'lmms' || frames.rule === 'stave' ? frames : undefined;
}

/** Whether frames are chosen and cut here, not by the model's reading of the file. */
export const needsFrames = ({ frames, temporal_scope }: TaskSettings, videos: number): boolean => frames.rule === 'ends' || joined(temporal_scope, videos);

const joined = (scope: TaskSettings['temporal_scope'], videos: number): boolean => scope === 'all' && videos > 1;

/** The frames that a task shows of a file, whole. @throws VIDEO_… */
export async function framesOf(path: string, rule: FrameRule, signal: AbortSignal | undefined): Promise<FrameInput[]> {
  const clip = await frameTimes(path, { signal });
  const { indices } = taskFrames(clip, rule);
  const frames: FrameInput[] = [];
  for await (const { index, time, width, height, data } of decode(path, { pick: indices, signal })) frames.push({ index, time, width, height, data: data.slice() });
  return frames;
}

/** Videos that are to form one temporal sequence, cut at the centre to one size. */
export function cropAlike(videos: readonly FrameInput[][], scope: TaskSettings['temporal_scope']): FrameInput[][] {
  if (!joined(scope, videos.length)) return [...videos];
  const crops = commonCrop(videos.map(([first]) => first));
  return videos.map((frames, i) => frames.map((frame) => ({ ...frame, ...cut(frame, crops[i]) })));
}

function cut(picture: Picture, { top, left, height, width }: Crop): Picture {
  if (height === picture.height && width === picture.width) return picture;
  const data = new Uint8Array(height * width * 3); // [H, W, 3]
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 3;
    data.set(picture.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { data, width, height };
}
