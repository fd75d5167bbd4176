/** T10 without training: how the authors ask models that never saw it, with examples or options or neither. All samples of the ten classes; scored by the judge.
 * Source: zero_shot/ */
import type { Draws } from '../draws.ts';
import { shuffled } from '../draws.ts';
import type { TaskMessage, TaskPart, Verdict, OpenVerdict } from '../task.ts';
import { videoFile, type Annotation } from './annotations.ts';
import { t10Classes } from './classes.ts';
import { openVerdict } from './judge.ts';

type Clip = Pick<Annotation, 'id' | 'template'>;

/** A video to ask about, and others to show before it. */
export type ZeroShotSample = Clip & { context_examples: Clip[] };

export type ZeroShotForm = 'open' | 'choice';

const questions: Record<ZeroShotForm, string> = {
  open: 'What action is happening in this video?',
  choice: `From the following actions, which one is happening in the video?\n${t10Classes.map((name) => `${name}\n`).join('')}`,
};

/** What the Qwen scripts set for all their videos. */
export const zeroShotSettings = { generation: { max_new_tokens: 128 }, pixels: { min_pixels: 256 * 28 * 28, max_pixels: 1280 * 28 * 28 } } as const;

const EXAMPLE_PIXELS = 240 * 420, PIXELS = 360 * 420, FPS = 1;

/** The conversation for Qwen2-VL, each video before its text. With examples it is the same for both forms. @param folder of the videos */
export function qwenMessages({ id, context_examples }: ZeroShotSample, form: ZeroShotForm, folder: string): TaskMessage[] {
  const video = (clip: { id: string }, max_pixels: number): TaskPart => ({ type: 'video', video: `${folder}/${videoFile(clip)}`, max_pixels, fps: FPS });
  const examples = context_examples.flatMap((clip, i): TaskPart[] => [video(clip, EXAMPLE_PIXELS), { type: 'text', text: `This is video number ${i}, and the action happening in it is ${clip.template}.\n` }]);
  const text = context_examples.length > 0 ? 'This is the last video. What action is happening in the last video?' : questions[form];
  return [{ role: 'user', content: [...examples, video({ id }, PIXELS), { type: 'text', text }] }];
}

/** The form for other models: a text with `<video>` where a video stands, and the videos' files. */
export type MarkedConversation = { messages: { role: 'user' | 'assistant'; content: string }[]; videos: string[] };

/** Without examples, whether the sample has any or not. */
export function markedQuestion({ id, template }: Clip, form: ZeroShotForm, folder: string): MarkedConversation {
  return marked(`<video> ${questions[form]}`, template, [{ id }], folder);
}

export function markedWithExamples({ id, template, context_examples }: ZeroShotSample, folder: string): MarkedConversation {
  const examples = context_examples.map((clip, i) => `Example ${i + 1} - <video> The action happening in this video is: ${clip.template}.\n`);
  const text = `Look at the provided examples and answer the last question.\n${examples.join('')}<video> now considering the previous examples, what action is happening in this video?`;
  return marked(text, template, [...context_examples, { id }], folder);
}

function marked(content: string, answer: string, clips: { id: string }[], folder: string): MarkedConversation {
  return { messages: [{ role: 'user', content }, { role: 'assistant', content: answer }], videos: clips.map((clip) => `${folder}/${videoFile(clip)}`) };
}

/** All samples of the ten classes, each with `examples` others of them, shuffled. */
export function zeroShotSamples(annotations: readonly Annotation[], examples: number, draws: Draws): ZeroShotSample[] {
  const kept = annotations.filter(({ template }) => (t10Classes as readonly string[]).includes(template));
  const samples = kept.map(({ id, template }, i) => {
    const others = kept.filter((_, j) => j !== i);
    const chosen = draws.sample(others.length, Math.min(examples, others.length)).map((k) => others[k]);
    return { id, template, context_examples: chosen.map((other) => ({ id: other.id, template: other.template })) };
  });
  return shuffled(samples, draws);
}

/** The truth is the template; the judge decides. (The authors' runner for Qwen reads the truth from a field its records don't have, and stops.) */
export function scoreZeroShot({ template }: Clip, answer: string): Verdict | OpenVerdict {
  return openVerdict(template, answer);
}
