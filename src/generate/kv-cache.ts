import type { Tensor } from '../graph/index.ts';

/** Positions that the memory grows by: enough that growing is rare, few enough that attention over empty places costs nothing. */
export const BLOCK = 128;

export type CacheSizes = { layers: number; kv: number; head_dim: number };

/** Keys and values of the first `length` positions of a conversation: the memory itself, whose rows up to there never change again. */
export type StoredPositions = { readonly tensors: ReadonlyMap<string, Tensor>; readonly capacity: number; readonly length: number };

export const storedBytes = ({ tensors }: StoredPositions): number => [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);

/** Keys and values of the positions so far, [1, kv, capacity, head_dim] a layer, in memory that JavaScript owns and the engine reads without a copy.
 * A step hands in its new ones alone. Places behind `length` hold zeros and must be masked. */
export class KeyValueCache {
  /** Positions stored. */
  length = 0;
  /** Positions there is room for: P of the language graph. */
  capacity = 0;
  readonly #sizes: CacheSizes;
  readonly #tensors: Map<string, Tensor>;

  /** @param least positions there is room for from the start */
  constructor(sizes: CacheSizes, least = 0) {
    this.#sizes = sizes;
    this.capacity = roomFor(least);
    const names = Array.from({ length: sizes.layers }, (_, i) => [`past_key.${i}`, `past_value.${i}`]).flat();
    this.#tensors = new Map(names.map((name) => [name, this.#allocate(this.capacity)]));
  }

  /** Begins with a copy of the first `length` positions of another conversation. */
  static continuing(sizes: CacheSizes, { tensors, capacity }: StoredPositions, length: number): KeyValueCache {
    const cache = new KeyValueCache(sizes);
    for (const [name, tensor] of tensors) cache.#tensors.set(name, cache.#copyOf(tensor, capacity, length, roomFor(length)));
    cache.capacity = roomFor(length);
    cache.length = length;
    return cache;
  }

  /** The positions so far, not copied: what is appended later goes behind them, or into memory of its own. */
  stored(): StoredPositions {
    return { tensors: new Map(this.#tensors), capacity: this.capacity, length: this.length };
  }

  /** Inputs past_key.i and past_value.i. */
  feeds(): Record<string, Tensor> {
    return Object.fromEntries(this.#tensors);
  }

  /** Appends the outputs present_key.i and present_value.i, [1, kv, count, head_dim], of `count` positions. */
  append(outputs: Record<string, Tensor>, count: number): void {
    if (this.length + count > this.capacity) this.#grow(this.length + count);
    const { kv, head_dim } = this.#sizes;
    for (const [name, { data }] of this.#tensors) {
      const fresh = outputs[name.replace('past', 'present')].data as Float32Array;
      for (let head = 0; head < kv; head++) {
        const row = head * this.capacity + this.length;
        (data as Float32Array).set(fresh.subarray(head * count * head_dim, (head + 1) * count * head_dim), row * head_dim);
      }
    }
    this.length += count;
  }

  /** One tensor after the other, so that there are never two caches. */
  #grow(needed: number): void {
    const capacity = roomFor(needed);
    for (const [name, tensor] of this.#tensors) this.#tensors.set(name, this.#copyOf(tensor, this.capacity, this.length, capacity));
    this.capacity = capacity;
  }

  /** The first `length` rows of each head, in memory with room for `capacity`. */
  #copyOf({ data: old }: Tensor, oldCapacity: number, length: number, capacity: number): Tensor {
    const { kv, head_dim } = this.#sizes;
    const copy = this.#allocate(capacity);
    for (let head = 0; head < kv; head++) {
      const from = head * oldCapacity * head_dim;
      (copy.data as Float32Array).set((old as Float32Array).subarray(from, from + length * head_dim), head * capacity * head_dim);
    }
    return copy;
  }

  #allocate(capacity: number): Tensor {
    const { kv, head_dim } = this.#sizes;
    return { dtype: 'float32', dims: [1, kv, capacity, head_dim], data: new Float32Array(new SharedArrayBuffer(kv * capacity * head_dim * 4)) };
  }
}

/** Follows from the number of positions alone: so does what attention adds up, to the last bit. */
const roomFor = (positions: number): number => Math.ceil(positions / BLOCK) * BLOCK;
