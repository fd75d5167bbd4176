/** One line of progress that rewrites itself on a terminal and stays quiet, or prints now and then, elsewhere. */
import { duration } from './units.ts';

type Stream = { write(text: string): unknown; isTTY?: boolean; columns?: number };

export class Progress {
  readonly #stream: Stream;
  readonly #every: number;
  #last = performance.now() / 1000;
  #shown = false;

  /** @param every seconds between two lines where the stream is no terminal (a log file); Infinity: none */
  constructor(stream: Stream, { every = Infinity }: { every?: number } = {}) {
    this.#stream = stream;
    this.#every = every;
  }

  show(line: string): void {
    const now = performance.now() / 1000;
    if (this.#stream.isTTY) {
      if (now - this.#last < 0.1 && this.#shown) return;
      const columns = this.#stream.columns || 80; // a terminal may say 0
      this.#stream.write(`\r\x1b[2K${line.length > columns - 1 ? `${line.slice(0, Math.max(0, columns - 2))}…` : line}`);
    } else {
      if (now - this.#last < this.#every || this.#every === Infinity) return;
      this.#stream.write(`${line}\n`);
    }
    this.#last = now;
    this.#shown = true;
  }

  /** Removes the line, so that other text can follow. */
  clear(): void {
    if (this.#shown && this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
    this.#shown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** Pieces of text as they come; until the first, a terminal is told for how long it has been awaited. */
export async function* awaited(pieces: AsyncIterable<string>, stream: Stream): AsyncGenerator<string, void> {
  using reading = waiting(stream, 'reading');
  for await (const piece of pieces) {
    reading[Symbol.dispose]();
    yield piece;
  }
}

/** From the first second on says what is waited for and for how long, until it is disposed. @param every as of Progress */
export function waiting(stream: Stream, what: string, { every }: { every?: number } = {}): Disposable {
  const progress = new Progress(stream, { every });
  const started = performance.now();
  const timer = setInterval(() => progress.show(`${what}, ${duration((performance.now() - started) / 1000)}`), 1000);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      progress.clear();
    },
  };
}
