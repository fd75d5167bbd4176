/** What is kept for later, bounded in bytes: over the bound, what was used longest ago goes first. */
export class Lru<V extends { bytes: number }> {
  readonly limit: number;
  #bytes = 0;
  readonly #values = new Map<string, V>(); // in the order of use

  /** @param limit bytes; 0: nothing is kept */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** One that is larger than the bound is not kept. */
  set(key: string, value: V): void {
    this.delete(key);
    if (value.bytes > this.limit) return;
    this.#values.set(key, value);
    this.#bytes += value.bytes;
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.limit) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#values.get(key)?.bytes ?? 0;
    this.#values.delete(key);
  }

  /** From the one used longest ago; no use. */
  entries(): IterableIterator<[string, V]> {
    return this.#values.entries();
  }

  clear(): void {
    this.#values.clear();
    this.#bytes = 0;
  }
}
