/** T10 for InternVideo2-Chat: the records as its text, and its choice of frames. Source: internvideo2_ssv2-t10/ */
import { roundHalfEven } from '../../video/rounding.ts';
import type { TaskMessage } from '../task.ts';

/** @param messages a whole record, or the user's turn alone for a test */
export function instText(messages: readonly TaskMessage[]): string {
  return messages.flatMap(({ role, content }) => {
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
    if (role === 'user') return parts.map((part) => `[INST] ${part.type === 'text' ? part.text : '<Video>[<VID_PLH>]</Video>'} [/INST] `);
    return parts.flatMap((part) => (role === 'assistant' && part.type === 'text' ? [`${part.text}</s>`] : []));
  }).join('');
}

/** The frame in the first half of each of `segments` equal parts. Short clips show frames more than once. @param frames of the clip */
export function segmentFrames(frames: number, segments: number): number[] {
  const size = (frames - 1) / segments;
  return Array.from({ length: segments }, (_, i) => Math.trunc(size / 2) + roundHalfEven(size * i));
}
