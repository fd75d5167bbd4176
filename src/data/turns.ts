import type { Message } from '../text/index.ts';
import type { Problem } from './dialogue.ts';

/** Special tokens of videos and images: in a message they would be plain text, so whoever wrote one there meant something else. */
const visionTokens = /<\|(?:vision_start|vision_end|vision_pad|video_pad|image_pad)\|>/;

/** Holds messages to what can be trained on: perhaps a system prompt, then questions and answers in turn, none empty, an answer last. */
export function checkTurns(messages: readonly Message[]): Problem[] {
  const problems: Problem[] = [];
  const say = (kind: Problem['kind'], what: string) => problems.push({ kind, what });
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
  const first = messages.length - turns.length;
  turns.forEach(({ role, content }, i) => {
    const at = `messages[${first + i}]`;
    const wanted = i % 2 === 0 ? 'user' : 'assistant';
    if (role !== wanted) say('roles', `${at} is the ${role}'s, the ${wanted}'s is due`);
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
    const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
    const media = parts.filter(({ type }) => type !== 'text').length;
    if (role === 'assistant' && media > 0) say('form', `${at}: an answer holds a video or image`);
    if (text.trim() === '' && (role === 'assistant' || media === 0)) say('empty', `${at}: the ${role === 'assistant' ? 'answer' : 'question'} is empty`);
    const token = visionTokens.exec(text);
    if (token) say('placeholders', `${at} holds ${token[0]} as text: name a video with <video> or a part {"type": "video"}`);
  });
  if (turns.length === 0) say('roles', 'there is no question and no answer');
  else if (turns.at(-1)!.role === 'user') say('roles', 'the last message is the user\'s: nothing answers it');
  return problems;
}
