import { StaveError } from '../errors.ts';

/** A piece of a message: text, or the place of a video or an image whose frames are given apart. */
export type Part = { type: 'text'; text: string } | { type: 'video' } | { type: 'image' };

/** One turn of a conversation, as the chat template takes it. */
export type Message = { role: Role; content: string | Part[] };

export type Role = (typeof roles)[number];

const roles = ['system', 'user', 'assistant'] as const;

/** Holds messages from outside (JSON of a data file or a request) to their type: a role goes into the prompt as it is, and a template may look for keys other than `type`.
 * @returns the messages with nothing but the known keys   @throws USAGE naming the message */
export function checkMessages(messages: readonly unknown[]): Message[] {
  return messages.map((message, i) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    if (!isRole(role)) refuse(`messages[${i}].role is ${JSON.stringify(role)}`, `one of ${roles.join(', ')} is needed`);
    if (typeof content === 'string') return { role, content };
    if (!Array.isArray(content)) refuse(`messages[${i}].content is ${JSON.stringify(content)}`, 'a text or a list of parts is needed');
    return { role, content: content.map((part, j) => checkPart(part, `messages[${i}].content[${j}]`)) };
  });
}

function checkPart(part: unknown, path: string): Part {
  const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
  if (type === 'text' && typeof text === 'string') return { type, text };
  if (type === 'video' || type === 'image') return { type };
  return refuse(`${path} is ${JSON.stringify(part)}`, `{type: 'text', text}, {type: 'video'} or {type: 'image'} is needed`);
}

function isRole(role: unknown): role is Role {
  return roles.includes(role as Role);
}

function refuse(what: string, why: string): never {
  throw new StaveError('USAGE', { what, why, fix: 'give messages like {role: "user", content: [{type: "video"}, {type: "text", text: "…"}]}' });
}
