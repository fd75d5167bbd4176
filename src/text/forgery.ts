import type { Message } from './message.ts';

/** Messages whose texts hold no special token: the first character of each is swapped for a stand-in, one that occurs nowhere else. */
export type Disarmed = {
  messages: Message[];
  /** Puts the swapped characters back. Lengths never change, so positions stay true. */
  restore(text: string): string;
};

/** Makes special tokens written in messages harmless before the chat template mixes them with its own: what is found in the rendered prompt is then the template's.
 * @param avoid texts in which the stand-ins must not occur either: the template */
export function disarm(messages: readonly Message[], specials: readonly string[], avoid: string): Disarmed {
  const texts = messages.flatMap((m) => (typeof m.content === 'string' ? [m.content] : m.content.map((part) => (part.type === 'text' ? part.text : ''))));
  if (specials.length === 0 || !texts.some((text) => specials.some((token) => text.includes(token)))) return { messages: [...messages], restore: (text) => text };

  const taken = avoid + texts.join('');
  const standIn = new Map<string, string>(); // first character of a special token → a private-use character
  let code = 0xe000;
  for (const first of new Set(specials.map((token) => token[0]))) {
    while (taken.includes(String.fromCharCode(code))) code++;
    standIn.set(first, String.fromCharCode(code++));
  }
  const back = new Map([...standIn].map(([first, other]) => [other, first]));
  const starts = new RegExp(`(?=${alternatives(specials)})[\\s\\S]`, 'g'); // overlapping ones too
  const swap = (text: string) => text.replace(starts, (first) => standIn.get(first)!);
  const anyStandIn = new RegExp(`[${[...back.keys()].join('')}]`, 'g');
  return {
    messages: messages.map(({ role, content }) => ({ role, content: typeof content === 'string' ? swap(content) : content.map((part) => (part.type === 'text' ? { ...part, text: swap(part.text) } : part)) })),
    restore: (text) => text.replace(anyStandIn, (other) => back.get(other)!),
  };
}

/** A pattern for any of these texts, the longest that fits first. */
export function alternatives(texts: readonly string[]): string {
  return texts
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
    .join('|');
}
