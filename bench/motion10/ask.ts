/** What a model says of clips, and of the same clips with their frames in another order. */
import { resolve } from 'node:path';
import type { FrameInput, VideoModel } from '../../src/generate/index.ts';
import { actionQuestion, score, type Motion10Record, type Motion10Result } from '../../src/tasks/index.ts';
import { decode } from '../../src/video/index.ts';
import type { Clips } from './clips.ts';

/** How a clip's frames are shown. As it is, every question is asked; otherwise for the action alone, in one wording. */
const views = {
  fresh: (frames: FrameInput[]) => frames,
  reversed: (frames: FrameInput[]) => frames.toReversed(),
  repeated: (frames: FrameInput[]) => frames.map(() => frames[frames.length >> 1]),
};
export type View = keyof typeof views;

export type AskOptions = {
  /** Default: all three. */
  views?: readonly View[];
  signal?: AbortSignal;
  /** right: of the questions about the clips as they are, from 0 to 1 */
  onClip?: (progress: { done: number; total: number; right: number }) => void;
};

/** A view that was not asked for has no answers. @throws what decoding and asking throw; the signal's reason */
export async function askClips(model: VideoModel, { records, folder }: Clips, { views: wanted = Object.keys(views) as View[], signal, onClip }: AskOptions = {}): Promise<Record<View, Motion10Result>> {
  const answers: Record<View, { record: Motion10Record; answer: string }[]> = { fresh: [], reversed: [], repeated: [] };
  const clips = Map.groupBy(records, ({ video }) => video);
  let done = 0;
  for (const [video, questions] of clips) {
    const frames = await framesOf(model, resolve(folder, video), signal);
    const action = questions.filter(({ kind }) => kind === 'action').slice(0, 1).map((record) => ({ ...record, question: actionQuestion }));
    for (const view of wanted) {
      const shown = views[view](frames);
      for (const record of view === 'fresh' ? questions : action) answers[view].push({ record, answer: await answer(model, shown, record.question, signal) });
    }
    onClip?.({ done: ++done, total: clips.size, right: score(answers.fresh).overall.accuracy });
  }
  return { fresh: score(answers.fresh), reversed: score(answers.reversed), repeated: score(answers.repeated) };
}

/** The frames that the model would be shown of a file, at the size it gets them: decoded once for all questions. */
async function framesOf(model: VideoModel, path: string, signal: AbortSignal | undefined): Promise<FrameInput[]> {
  const { media: [clip] } = await model.plan(path);
  const found = new Map<number, FrameInput>();
  for await (const frame of decode(path, { pick: [...new Set(clip.frames.map(({ index }) => index))], size: clip.sizes.input, isolate: false, signal })) found.set(frame.index, frame);
  return clip.frames.map(({ index }) => found.get(index)!);
}

async function answer(model: VideoModel, frames: FrameInput[], question: string, signal: AbortSignal | undefined): Promise<string> {
  return (await model.ask(frames, question, { max_new_tokens: 32, signal }).result()).text;
}
