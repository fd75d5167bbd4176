/** One at a time, in the order of asking. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** Waits for those before. @returns what lets the next one in; must be called  @throws the signal's reason when aborted while waiting */
  async take(signal: AbortSignal | undefined): Promise<() => void> {
    const before = this.#last;
    let done!: () => void;
    const mine = new Promise<void>((resolve) => (done = resolve));
    this.#last = before.then(() => mine);
    try {
      await unlessAborted(before, signal);
    } catch (error) {
      done();
      throw error;
    }
    return done;
  }
}

/** A promise, or the signal's reason if that comes first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const waiting = new AbortController(); // takes the listener off again
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: waiting.signal }));
  return Promise.race([promise, aborted]).finally(() => waiting.abort());
}
