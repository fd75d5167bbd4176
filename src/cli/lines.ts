/** Standard input, line by line. */
import { createInterface, type Interface } from 'node:readline';
import { StaveError } from '../errors.ts';
import type { Lines } from './command.ts';

/** @param typed by somebody at a terminal: with a prompt on standard error, editing and a history */
export function standardInput(typed: boolean, signal: AbortSignal): Lines {
  return typed ? new Typed(signal) : new Piped(signal);
}

class Piped implements Lines {
  readonly typed = false;
  readonly #signal: AbortSignal;
  readonly #interface: Interface;
  readonly #lines: AsyncIterator<string, unknown>;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#interface = createInterface({ input: process.stdin, crlfDelay: Infinity, signal });
    this.#lines = this.#interface[Symbol.asyncIterator](); // now: lines that come before would be lost
  }

  async next(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next().catch((cause: Error) => {
      throw new StaveError('IO', { what: 'cannot read the input', why: cause.message, fix: 'give text, a question on each line', cause });
    });
    this.#signal.throwIfAborted();
    return done ? undefined : (value as string);
  }

  [Symbol.dispose](): void {
    this.#interface.close();
    process.stdin.destroy(); // a pipe that stays open would keep the process alive
  }
}

/** Between two lines the terminal is its own again: Ctrl-C is a signal, and what is typed early comes with the next line. */
class Typed implements Lines {
  readonly typed = true;
  readonly #signal: AbortSignal;
  #history: string[] = [];
  /** Lines, and the beginning of one, that came together with the last line. */
  #early: string[] = [];
  #begun = '';

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async next(): Promise<string | undefined> {
    return this.#early.shift() ?? this.#prompt();
  }

  async #prompt(): Promise<string | undefined> {
    this.#signal.throwIfAborted();
    const terminal = createInterface({ input: process.stdin, output: process.stderr, prompt: '> ', history: this.#history, historySize: 1000, removeHistoryDuplicates: true, signal: this.#signal });
    terminal.on('history', (history) => { this.#history = [...history]; });
    terminal.on('line', (line) => this.#early.push(line));
    terminal.on('SIGINT', () => {
      if (terminal.line === '') process.kill(process.pid, 'SIGINT'); // readline takes Ctrl-C: it goes where it always goes
      else clear(terminal);
    });
    const closed = new Promise<void>((resolve) => { terminal.once('close', resolve); });
    terminal.prompt();
    terminal.write(this.#begun);
    await Promise.race([closed, new Promise<void>((resolve) => { terminal.once('line', () => resolve()); })]);
    this.#begun = terminal.line;
    terminal.close();
    if (this.#early.length === 0) process.stderr.write('\n'); // behind the prompt
    this.#signal.throwIfAborted();
    return this.#early.shift();
  }

  [Symbol.dispose](): void {}
}

/** Takes back what stands behind the prompt. */
function clear(terminal: Interface): void {
  for (const name of ['e', 'u']) terminal.write(null, { ctrl: true, name }); // to the end; away to the beginning
}
