/** A seeded generator: xoshiro128** (Blackman & Vigna, 2018). The same numbers on every machine. */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed an integer, of which the low 32 bits count, or the four of the state itself */
  constructor(seed: number | readonly number[]) {
    if (typeof seed !== 'number') {
      this.#state = Uint32Array.from(seed);
      return;
    }
    let x = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      x = (x + 0x9e3779b9) >>> 0; // splitmix32 spreads the seed over the state
      let z = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    });
  }

  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  next(): number {
    const high = this.next32() >>> 5; // 27 bits
    return (high * 2 ** 26 + (this.next32() >>> 6)) / 2 ** 53;
  }

  /** Uniform over the integers from 0 to 2³² − 1. */
  next32(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  }
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
