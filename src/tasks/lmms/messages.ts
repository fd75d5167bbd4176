import type { Protocol, TaskMessage, TaskPart, TaskQuestion, TaskSettings } from '../task.ts';

export const lmmsSystem = 'You are a helpful assistant.';

/** The conversation about one video: the system's turn, then the video and the text with nothing between. @param prompt `<image>` is deleted from it */
export function lmmsMessages(video: string, prompt: string): TaskMessage[] {
  return [
    { role: 'system', content: lmmsSystem },
    { role: 'user', content: [{ type: 'video', video }, { type: 'text', text: promptText(prompt) }] },
  ];
}

/** The harness takes `<image>` out of a prompt, wherever it stands. */
export function promptText(prompt: string): string {
  return prompt.replaceAll('<image>', '');
}

/** The messages in the form qwen-vl-utils reads: each video with the bounds of its frames' area, under the folder of the data. */
export function withBounds({ messages }: TaskQuestion, { pixels }: TaskSettings, home: string): TaskMessage[] {
  const part = (p: TaskPart): TaskPart => (p.type === 'video' ? { ...p, video: `${home}/${p.video}`, ...(pixels && { max_pixels: pixels.max_pixels, min_pixels: pixels.min_pixels }) } : p);
  return messages.map(({ role, content }) => ({ role, content: typeof content === 'string' ? content : content.map(part) }));
}

/** Whether the harness shows a video at all. `paper`: only what ends in .mp4, .avi or .mov in lower case; anything else is left out in silence and the question
 * asked without it. `strict`: whatever is there; what can't be decoded is an error of its own. */
export function isShown(path: string, protocol: Protocol = 'paper'): boolean {
  return protocol === 'strict' || /\.(?:mp4|avi|mov)$/.test(path);
}
