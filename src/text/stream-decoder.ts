/** What decoding asks of a tokenizer: the token of an id as the vocabulary writes it, and the added token of an id. */
export type Vocabulary = { token(id: number): string | undefined; added(id: number): { content: string; special: boolean } | undefined };

/** Text from token ids, one at a time. A token may end inside a character: its bytes wait until the character is whole, or known to be broken (then U+FFFD). */
export class StreamDecoder {
  readonly #tokenizer: Vocabulary;
  readonly #skipSpecial: boolean;
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(tokenizer: Vocabulary, { skipSpecial = false }: { skipSpecial?: boolean } = {}) {
    this.#tokenizer = tokenizer;
    this.#skipSpecial = skipSpecial;
  }

  /** The text that is certain now; all pushes and `end` together are `Tokenizer.decode` of all ids. */
  push(id: number): string {
    const added = this.#tokenizer.added(id);
    if (added !== undefined) return added.special && this.#skipSpecial ? '' : this.end() + added.content;
    const token = this.#tokenizer.token(id);
    return token === undefined ? '' : this.#utf8.decode(bytesOf(token), { stream: true });
  }

  /** What is left of an unfinished character: U+FFFD or nothing. The decoder can be used again. */
  end(): string {
    return this.#utf8.decode();
  }
}

/** The bytes that a token of a byte-level vocabulary stands for. */
export function bytesOf(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) bytes[i] = byteOf.get(token.charCodeAt(i)) ?? 0x3f; // a character outside the table can't come from text
  return bytes;
}

/** Byte-level vocabularies write each byte as one printable character: printable Latin-1 as itself, the others as U+0100, U+0101, … in order. (GPT-2 bytes_to_unicode) */
export function byteCharacters(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(isPrintable(b) ? b : 0x100 + others++));
}

/** Character code → byte. */
const byteOf: ReadonlyMap<number, number> = new Map(byteCharacters().map((character, b) => [character.charCodeAt(0), b]));

function isPrintable(b: number): boolean {
  return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
}
