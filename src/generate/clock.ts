/** Seconds spent in each part of an answer. */
export class Clock {
  readonly laps = { plan: 0, decode: 0, vision: 0, prefill: 0, generate: 0 };
  readonly #start = performance.now();
  #last = this.#start;

  /** The time since the last lap was spent on this. */
  lap(name: keyof Clock['laps']): void {
    const now = performance.now();
    this.laps[name] += (now - this.#last) / 1000;
    this.#last = now;
  }

  get total(): number {
    return (performance.now() - this.#start) / 1000;
  }
}
