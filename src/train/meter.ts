import type { Batch } from './batch.ts';

export type Speed = {
  /** Clips, and tokens of the language model, a second; over the last steps. */
  clips_per_second: number;
  tokens_per_second: number;
  /** Billions of matrix-product operations a second. */
  gflops: number;
  /** Seconds left. */
  eta: number;
  /** Resident bytes of this process. */
  memory: number;
};

/** Speeds over the last steps; evaluations and checkpoints don't count. */
export class Meter {
  readonly #steps: number;
  readonly #flops: (sizes: Batch['sizes']) => number;
  readonly #recent: { seconds: number; clips: number; tokens: number; flops: number }[] = [];
  #last = performance.now();

  constructor(steps: number, flops: (sizes: Batch['sizes']) => number) {
    this.#steps = steps;
    this.#flops = flops;
  }

  pause(): void {
    this.#last = performance.now();
  }

  step(done: number, sizes: Batch['sizes'][]): { line: { seconds: number; clips: number; tokens: number }; progress: Speed } {
    const sum = (f: (size: Batch['sizes']) => number) => sizes.reduce((total, size) => total + f(size), 0);
    const now = performance.now();
    const entry = { seconds: (now - this.#last) / 1000, clips: sum(({ B }) => B), tokens: sum(({ tokens }) => tokens), flops: sum(this.#flops) };
    this.#last = now;
    this.#recent.push(entry);
    if (this.#recent.length > 20) this.#recent.shift();
    const total = (key: keyof typeof entry) => this.#recent.reduce((n, e) => n + e[key], 0);
    const seconds = total('seconds');
    return {
      line: { seconds: Math.round(entry.seconds * 1000) / 1000, clips: entry.clips, tokens: entry.tokens },
      progress: {
        clips_per_second: total('clips') / seconds,
        tokens_per_second: total('tokens') / seconds,
        gflops: total('flops') / seconds / 1e9,
        eta: ((this.#steps - done) * seconds) / this.#recent.length,
        memory: process.memoryUsage.rss(),
      },
    };
  }
}
