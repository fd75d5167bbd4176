import type { Tensor } from '../graph/index.ts';

/** Positions that the memory grows by: enough that growing is rare, few enough that attention over empty places costs nothing. */
const BLOCK = 128;

export type CacheSizes = { layers: number; kv: number; head_dim: number };

/** Keys and values of the positions so far, [1, kv, capacity, head_dim] a layer, in memory that JavaScript owns and the engine reads without a copy.
 * A step hands in its new ones alone. Places behind `length` hold zeros and must be masked. */
export class KeyValueCache {
  /** Positions stored. */
  length = 0;
  /** Positions there is room for: P of the language graph. */
  capacity = 0;
  readonly #sizes: CacheSizes;
  #tensors: Map<string, Tensor>;

  constructor(sizes: CacheSizes) {
    this.#sizes = sizes;
    this.#tensors = this.#allocate(0);
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

  #grow(needed: number): void {
    const capacity = Math.ceil(needed / BLOCK) * BLOCK;
    const { kv, head_dim } = this.#sizes;
    const tensors = this.#allocate(capacity);
    for (const [name, { data }] of tensors) {
      const old = this.#tensors.get(name)!.data as Float32Array;
      for (let head = 0; head < kv; head++) {
        const from = head * this.capacity * head_dim;
        (data as Float32Array).set(old.subarray(from, from + this.length * head_dim), head * capacity * head_dim);
      }
    }
    this.#tensors = tensors;
    this.capacity = capacity;
  }

  #allocate(capacity: number): Map<string, Tensor> {
    const { layers, kv, head_dim } = this.#sizes;
    const names = Array.from({ length: layers }, (_, i) => [`past_key.${i}`, `past_value.${i}`]).flat();
    return new Map(
      names.map((name) => {
        const data = new Float32Array(new SharedArrayBuffer(kv * capacity * head_dim * 4));
        return [name, { dtype: 'float32', dims: [1, kv, capacity, head_dim], data }];
      }),
    );
  }
}
