export { encodeConversation, labelsOf, type Conversation, type ConversationOptions } from './conversation.ts';
export type { ReadText } from './files.ts';
export type { Message, Part, Role } from './message.ts';
export type { MessageSpan, Span } from './spans.ts';
export { StreamDecoder } from './stream-decoder.ts';
export { ChatTemplate, loadChatTemplate, type RenderOptions } from './template.ts';
export { loadTokenizer, Tokenizer, type EncodeOptions } from './tokenizer.ts';
