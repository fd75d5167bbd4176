import { availableParallelism } from 'node:os';
import { StaveError } from '../errors.ts';
import { machineMemory } from './machine.ts';
import { patchBytes } from './media.ts';
import type { Prepared } from './plan.ts';
import type { Opened } from './prefill.ts';
import { decodeUnit, type DecodedUnit } from './reuse/encode.ts';
import type { Reuse } from './reuse/reuse.ts';
import type { Unit } from './reuse/units.ts';

/** Questions that are looked at before their turn. */
const MOST = 32;

/** Patches of 26 clips of 16 frames, 224×224. */
const USUAL = 64e6;

export type AheadOptions = {
  /** Bytes of decoded patches that may wait for the model. 0: nothing is decoded ahead. A clip that alone has more is decoded when no other waits. */
  bytes: number;
  /** Clips decoded at once, each in a process of its own. Default: one for every two cores, 4 at most. */
  workers?: number;
  reuse: Reuse;
  signal: AbortSignal;
};

/** A question whose turn it is. `opened` rejects with what is wrong with it or its clip's header. */
export type Upcoming<Q> = { question: Q; opened: Promise<Opened>; /** Frees what was decoded for it and not used; to be called when it is answered. */ done(): void };

type Waiting = { bytes: number; decoded: Promise<DecodedUnit> };

/** Looks at questions and decodes their clips while the model is busy with those before, in their order. A clip that several ask about is decoded once. */
export class Ahead<Q> {
  readonly #options: Required<AheadOptions>;
  readonly #queue: Upcoming<Q>[] = [];
  /** Decoded, or being decoded, and not yet taken; by the unit's key. */
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #decoding = 0;
  #ended = false;
  #failure: unknown;
  #changed!: Promise<void>;
  #tell!: () => void;

  /** @param open rejects for a question that can't be answered */
  constructor(questions: readonly Q[], open: (question: Q) => Promise<Opened>, { workers = Math.min(4, Math.max(1, availableParallelism() >> 1)), ...options }: AheadOptions) {
    this.#options = { workers, ...options };
    this.#listen();
    options.signal.addEventListener('abort', () => this.#change(), { once: true });
    void this.#look(questions, open).catch((error: unknown) => (this.#failure = error)).finally(() => {
      this.#ended = true;
      this.#change();
    });
  }

  /** Bytes of patches that are decoded, or will be, and wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The next question; undefined when all had their turn. @throws the signal's reason; what went wrong with looking ahead, when those before had their turn */
  async next(): Promise<Upcoming<Q> | undefined> {
    for (;;) { // another may be waiting, too
      this.#options.signal.throwIfAborted();
      const next = this.#queue.shift();
      if (next !== undefined) this.#change();
      if (next === undefined && this.#failure !== undefined) throw this.#failure;
      if (next !== undefined || this.#ended) return next;
      await this.#until(() => this.#queue.length > 0 || this.#ended);
    }
  }

  async #look(questions: readonly Q[], open: (question: Q) => Promise<Opened>): Promise<void> {
    const { signal } = this.#options;
    for (const question of questions) {
      await this.#until(() => this.#queue.length < MOST);
      if (signal.aborted) break;
      const started: string[] = [];
      const opened = open(question).then((found) => ({ ...found, decoded: (key: string) => this.#take(key) }));
      await opened.then(({ prepared, units }) => this.#decodeAll(prepared, units, started), () => {});
      this.#queue.push({ question, opened, done: () => started.forEach((key) => this.#take(key)) });
      this.#change();
    }
  }

  /** Begins to decode what nobody has begun yet, as soon as there is room. @param started gets the keys */
  async #decodeAll(prepared: Prepared, units: readonly Unit[], started: string[]): Promise<void> {
    const { bytes: limit, workers, reuse, signal } = this.#options;
    if (limit === 0) return;
    const known = (key: string): boolean => this.#waiting.has(key) || reuse.underWay.has(key) || reuse.encoded.get(key) !== undefined;
    let own = 0; // what others have is used up before this question's turn; what it has itself is not
    for (const unit of units) {
      const bytes = unit.members.reduce((sum, i) => sum + patchBytes(prepared.plan.media[i], prepared.mediaOptions), 0);
      await this.#until(() => this.#decoding < workers && (this.#bytes <= own || this.#bytes + bytes <= limit));
      if (signal.aborted) return;
      if (known(unit.key)) continue;
      own += bytes;
      this.#bytes += bytes;
      this.#decoding++;
      const decoded = decodeUnit(unit, prepared).finally(() => {
        this.#decoding--;
        this.#change();
      });
      decoded.catch(() => {}); // told to whoever takes it
      this.#waiting.set(unit.key, { bytes, decoded });
      started.push(unit.key);
    }
  }

  #take(key: string): Promise<DecodedUnit> | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(key);
    this.#bytes -= waiting.bytes;
    this.#change();
    return waiting.decoded;
  }

  /** Or until the signal is aborted. */
  async #until(is: () => boolean): Promise<void> {
    while (!is() && !this.#options.signal.aborted) await this.#changed;
  }

  #listen(): void {
    this.#changed = new Promise((resolve) => (this.#tell = resolve));
  }

  #change(): void {
    this.#tell();
    this.#listen();
  }
}

/** Bytes that may wait for the model. @throws USAGE */
export function aheadLimit(bytes: number = Math.min(USUAL, machineMemory() / 16)): number {
  if (bytes >= 0) return bytes;
  throw new StaveError('USAGE', { what: `ahead is ${JSON.stringify(bytes)}`, fix: 'give a number of bytes, 0 to decode nothing ahead' });
}
