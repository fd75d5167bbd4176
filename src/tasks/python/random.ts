/** Python's `random.random()` after `random.seed(n)`: the order of VITATECS' options hangs on it.
 * Source: Matsumoto and Nishimura, Mersenne Twister MT19937 (1998; seeding by an array of 2002), which CPython documents as its generator. */

const SIZE = 624, MIDDLE = 397;

/** The generator behind Python's `random` module. @param seed an integer from 0 below 2³² */
export function pythonRandom(seed: number): () => number {
  const state = seeded(seed >>> 0);
  let at = SIZE;
  const next = (): number => {
    if (at === SIZE) {
      twist(state);
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53; // 53 random bits
}

/** `init_by_array([seed])` */
function seeded(seed: number): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = 19650218;
  const mixed = (i: number, factor: number) => Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), factor);
  for (let i = 1; i < SIZE; i++) state[i] = mixed(i, 1812433253) + i;
  let i = 1;
  const step = () => {
    if (++i < SIZE) return;
    state[0] = state[SIZE - 1];
    i = 1;
  };
  for (let k = 0; k < SIZE; k++, step()) state[i] = (state[i] ^ mixed(i, 1664525)) + seed;
  for (let k = 1; k < SIZE; k++, step()) state[i] = (state[i] ^ mixed(i, 1566083941)) - i;
  state[0] = 0x80000000;
  return state;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
    state[i] = state[(i + MIDDLE) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
