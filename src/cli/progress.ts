/** One line of progress that rewrites itself on a terminal and stays quiet, or prints now and then, elsewhere. */

type Stream = { write(text: string): unknown; isTTY?: boolean; columns?: number };

export class Progress {
  readonly #stream: Stream;
  readonly #every: number;
  #last = 0;
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
    this.#last = 0;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** Seconds as a person says them: 42 s, 3 min 10 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes as a person says them; a MB is 1,000,000 bytes, as in stave's errors. */
export function bytes(n: number): string {
  if (n < 1e3) return `${n} B`;
  if (n < 1e6) return `${(n / 1e3).toFixed(0)} kB`;
  if (n < 1e9) return `${(n / 1e6).toFixed(0)} MB`;
  return `${(n / 1e9).toFixed(2)} GB`;
}
