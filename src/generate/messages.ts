import type { Message, Part } from '../text/index.ts';
import type { ImageSource, MediaSource, VideoSource } from './media.ts';

/** A piece of a message: text, or a video or image with where it comes from. */
export type ChatPart = { type: 'text'; text: string } | MediaPart;
export type MediaPart = { type: 'video'; video: VideoSource } | { type: 'image'; image: ImageSource };

/** One turn of a conversation. */
export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string | readonly ChatPart[] };

/** Messages as the chat template takes them, and the videos and images in the order in which they stand there. */
export function splitMedia(messages: readonly ChatMessage[]): { messages: Message[]; media: MediaSource[] } {
  const media: MediaSource[] = [];
  const part = (p: ChatPart): Part => {
    if (p.type === 'video') media.push({ kind: 'video', source: p.video });
    else if (p.type === 'image') media.push({ kind: 'image', source: p.image });
    else return p; // what is no text either, encodeConversation refuses
    return { type: p.type };
  };
  return { messages: messages.map(({ role, content }) => ({ role, content: typeof content === 'string' ? content : content.map(part) })), media };
}

/** The system prompt of a conversation; null: none was given, the chat template may bring its own. */
export function systemOf(messages: readonly ChatMessage[]): string | null {
  const content = messages.find(({ role }) => role === 'system')?.content ?? null;
  return content === null || typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** A question about one video or image, as one message. */
export function question(about: VideoSource | MediaPart, text: string, system?: string): ChatMessage[] {
  const part: MediaPart = typeof about === 'object' && 'type' in about ? about : { type: 'video', video: about };
  const user: ChatMessage = { role: 'user', content: [part, { type: 'text', text }] };
  return system === undefined ? [user] : [{ role: 'system', content: system }, user];
}
