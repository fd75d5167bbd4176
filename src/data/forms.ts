/** The forms in which people keep conversations for training; each is read into a {@link Dialogue}. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { actionRecord } from '../tasks/ssv2/record.ts';
import type { Message, Part, Role } from '../text/index.ts';
import type { Dialogue, MediaFile, Problem, ProblemKind } from './dialogue.ts';
import { readMedia, show, type Complain } from './media-fields.ts';
import { checkTurns } from './turns.ts';

/** `parts`: a list of messages whose content is a list of parts, as in the authors' files and in Qwen's; alone or as the field `messages`.
 * `tags`: `messages` or `conversations` with texts in which `<video>` and `<image>` stand for the row's `videos` and `images`, as in LLaMA-Factory and ms-swift.
 * `ssv2`: an entry of Something-Something V2's labels/train.json or validation.json. */
export type Form = 'parts' | 'tags' | 'ssv2';

/** A row as read. dialogue: absent where something is wrong with it. */
export type ReadRow = { form: Form | undefined; dialogue?: Dialogue; problems: Problem[]; /** Fields that mean nothing here. */ ignored: string[] };

/** Fields of a row that say something of the conversation which is not supported: to pass over them would train on something else. */
const unsupported = ['tools', 'audios', 'audio', 'objects', 'history', 'chosen', 'rejected', 'rejected_response', 'rejected_messages', 'kto_tag'];
const fieldsOf: Record<Form, string[]> = {
  parts: ['messages', 'id', 'system'],
  tags: ['messages', 'conversations', 'id', 'system', 'videos', 'video', 'images', 'image'],
  ssv2: ['id', 'label', 'template', 'placeholders'],
};

/** Fields of a message that say something of what is said or learnt, each with what to do instead. */
const unsupportedOfMessage: Record<string, string> = {
  tool_calls: 'tools are not supported',
  tool_call_id: 'tools are not supported',
  function_call: 'tools are not supported',
  reasoning_content: 'an answer is its content',
  thinking: 'an answer is its content',
  weight: '"loss": true or false says whether an answer is learnt',
};

/** Reads a row of any form. @param folder that relative paths start at */
export function readRow(text: string, folder: string): ReadRow {
  const problems: Problem[] = [];
  const say = (kind: ProblemKind, what: string): undefined => void problems.push({ kind, what });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    say('json', `it is not JSON: ${(error as Error).message}`);
    return { form: undefined, problems, ignored: [] };
  }
  const row = (Array.isArray(json) ? { messages: json } : json) as Record<string, unknown>;
  const form = formOf(row);
  if (form === undefined) {
    say('form', `it is ${show(json)}: {"messages": […], "videos": […]}, a list of messages, or an entry of SSv2's train.json is needed`);
    return { form, problems, ignored: [] };
  }
  const foreign = Object.keys(row).filter((name) => !fieldsOf[form].includes(name));
  for (const name of foreign) if (unsupported.includes(name)) say('form', `"${name}" is not supported`);
  const id = typeof row.id === 'string' || typeof row.id === 'number' ? String(row.id) : null;
  const ignored = new Set(foreign.filter((name) => !unsupported.includes(name)));
  const read = form === 'ssv2' ? readSsv2(row, folder, say) : readMessages(row, form, folder, say, ignored);
  if (read !== undefined) for (const problem of checkTurns(read.messages)) problems.push(problem);
  return { form, ...(read !== undefined && problems.length === 0 && { dialogue: { id, ...read } }), problems, ignored: [...ignored] };
}

function formOf(row: unknown): Form | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  const { messages, conversations, template, placeholders, id, ...rest } = row as Record<string, unknown>;
  if (template !== undefined || placeholders !== undefined || (typeof id === 'string' && Object.keys(rest).length === 0 && messages === undefined && conversations === undefined)) return 'ssv2';
  if (conversations !== undefined) return 'tags';
  if (!Array.isArray(messages)) return undefined;
  const lists = ['videos', 'video', 'images', 'image'].some((name) => rest[name] !== undefined);
  return !lists && messages.some((message) => Array.isArray((message as { content?: unknown } | null)?.content)) ? 'parts' : 'tags';
}

type Said = Omit<Dialogue, 'id'>;
type Say = (kind: ProblemKind, what: string) => undefined;

/** The names that roles go by. */
const roles: Record<string, Role> = { system: 'system', user: 'user', human: 'user', assistant: 'assistant', gpt: 'assistant' };

function readMessages(row: Record<string, unknown>, form: 'parts' | 'tags', folder: string, say: Say, ignored: Set<string>): Said | undefined {
  const name = row.conversations === undefined ? 'messages' : 'conversations';
  if (name === 'conversations' && !isNothing(row.messages)) return say('form', '"messages" and "conversations" are both given');
  if (!Array.isArray(row[name])) return say('form', `"${name}" is ${show(row[name])}: a list of messages is needed`);
  const listed = { video: listOf(row, 'video', folder, say), image: listOf(row, 'image', folder, say) };
  const used = { video: 0, image: 0 };
  const media: MediaFile[] = [];
  const messages: Message[] = [];
  const unlearnt: number[] = [];
  if (!isNothing(row.system) && typeof row.system !== 'string') say('form', `"system" is ${show(row.system)}: a text is needed`);
  if (typeof row.system === 'string' && row.system !== '') messages.push({ role: 'system', content: row.system });
  const before = messages.length;
  /** A place in the text for the next of the row's own videos or images. */
  const place = (kind: 'video' | 'image'): Part => {
    const next = listed[kind][used[kind]++];
    if (next !== undefined) media.push(next);
    return { type: kind };
  };
  for (const [i, entry] of row[name].entries()) {
    const at = `${name}[${i}]`;
    const { role: said = (entry as { from?: unknown } | null)?.from, content = (entry as { value?: unknown } | null)?.value, loss } = (entry ?? {}) as Record<string, unknown>;
    const role = typeof said === 'string' && Object.hasOwn(roles, said) ? roles[said] : undefined;
    if (role === undefined) say('roles', `${at}: the role is ${show(said)}: system, user or assistant is needed`);
    if (loss !== undefined && loss !== null && typeof loss !== 'boolean') say('form', `${at}.loss is ${show(loss)}: true or false is needed`);
    if (loss === false) unlearnt.push(before + i);
    const parts = typeof content === 'string' ? tagged(content, place) : Array.isArray(content) ? content.flatMap((part, j) => (form === 'tags' && isPlace(part) ? [place(part.type)] : readPart(part, `${at}.content[${j}]`, folder, media, say))) : undefined;
    for (const field of foreignFields(entry)) {
      if (Object.hasOwn(unsupportedOfMessage, field)) say('form', `${at}.${field} is not supported: ${unsupportedOfMessage[field]}`);
      else ignored.add(`${name}[].${field}`);
    }
    if (parts === undefined) say('form', `${at}.content is ${show(content)}: a text or a list of parts is needed`);
    messages.push({ role: role ?? 'user', content: parts === undefined ? '' : parts.every((part) => part.type === 'text') ? parts.map(({ text }) => text).join('') : parts });
  }
  for (const kind of ['video', 'image'] as const)
    if (used[kind] !== listed[kind].length) say('placeholders', `the messages name ${used[kind]} <${kind}>, ${form === 'parts' ? 'the row gives none' : `"${kind}s" gives ${listed[kind].length}`}`);
  return { messages, media, unlearnt };
}

/** Absent, or as files of tables write what is absent. */
const isNothing = (value: unknown): boolean => value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** Names of what a message says beside its role, content and loss. */
function foreignFields(message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return [];
  const { role, content } = message as Record<string, unknown>;
  const read = [role === undefined ? 'from' : 'role', content === undefined ? 'value' : 'content', 'loss'];
  return Object.entries(message).flatMap(([name, value]) => (read.includes(name) || isNothing(value) ? [] : [name]));
}

/** The row's `videos` or `images`; a single `video` or `image` counts as one. */
function listOf(row: Record<string, unknown>, kind: 'video' | 'image', folder: string, say: Say): (MediaFile | undefined)[] {
  const complain: Complain = (what) => say('form', what);
  const many = row[`${kind}s`], one = row[kind];
  if (many !== undefined && many !== null && one !== undefined && one !== null) complain(`"${kind}s" and "${kind}" are both given`);
  if (many === undefined || many === null) return one === undefined || one === null ? [] : [readMedia(kind, one, folder, kind, complain)];
  if (!Array.isArray(many)) return [complain(`"${kind}s" is ${show(many)}: a list is needed`)];
  return many.map((entry, i) => readMedia(kind, entry, folder, `${kind}s[${i}]`, complain));
}

/** A text with its places for videos and images. A line break after one belongs to how it was written down, not to what was said: it stays, as in LLaMA-Factory. */
function tagged(text: string, place: (kind: 'video' | 'image') => Part): Part[] {
  return text.split(/(<video>|<image>)/).flatMap((piece): Part[] => {
    if (piece === '<video>') return [place('video')];
    if (piece === '<image>') return [place('image')];
    return piece === '' ? [] : [{ type: 'text', text: piece }];
  });
}

/** A part that stands for the next of the row's `videos` or `images`, as TRL has it. */
function isPlace(part: unknown): part is { type: 'video' | 'image' } {
  const { type, ...rest } = (part ?? {}) as { type?: unknown };
  return (type === 'video' || type === 'image') && Object.keys(rest).length === 0;
}

function readPart(part: unknown, at: string, folder: string, media: MediaFile[], say: Say): Part[] {
  const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
  if (type === 'text' && typeof text === 'string') return [{ type, text }];
  if (type === 'video' || type === 'image') {
    const found = readMedia(type, part, folder, at, (what) => say('form', what));
    if (found !== undefined) media.push(found);
    return [{ type }];
  }
  say('form', `${at} is ${show(part)}: {"type": "text", "text": …}, {"type": "video", "video": …} or {"type": "image", "image": …} is needed`);
  return [];
}

/** The record that the authors make of an annotation. The videos lie in the folder under their ids: as they are published (.webm), or converted (.mp4). */
function readSsv2({ id, template }: Record<string, unknown>, folder: string, say: Say): Said | undefined {
  if (typeof id !== 'string' || !/^[\w-]+$/.test(id)) return say('form', `"id" is ${show(id)}: the number of a video is needed`);
  if (typeof template !== 'string' || template === '') return say('form', '"template" is missing: an entry of test.json has no answer to learn');
  const messages: Message[] = actionRecord({ id, template }).map(({ role, content }) => ({ role, content: content.map((part): Part => (part.type === 'video' ? { type: 'video' } : { type: 'text', text: part.text })) }));
  const [converted, published] = ['mp4', 'webm'].map((end) => join(folder, `${id}.${end}`));
  return { messages, media: [{ kind: 'video', path: !existsSync(converted) && existsSync(published) ? published : converted }], unlearnt: [] };
}
