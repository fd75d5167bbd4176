import { StaveError, type Code, type Details } from '../errors.ts';

/** Largest value a size in a config file may have: nothing real comes near, and products of a few stay exact. */
const MAX_SIZE = 2 ** 31 - 1;

export type JsonObject = Record<string, unknown>;

type Range = { min?: number; max?: number };

/** What is wrong with a field. path: empty for what no field can be named for. */
export type FieldProblem = { path: string; error: StaveError };

export type FieldsOptions = {
  /** Of the object in the file; empty: it is the whole file. */
  path?: string;
  /** Of the errors. */
  code?: Extract<Code, 'MODEL_CONFIG' | 'RECIPE' | 'ADAPTER'>;
  /** Collects what is wrong, so that all of it can be told: reading goes on with a value that could be. Absent: the first error is thrown. */
  problems?: FieldProblem[];
};

/** One object of a JSON file, read field by field. Every error says the file, the path of the field, its value and what is allowed.
 * A field that is absent or null takes the given default; without one it is required. */
export class Fields {
  /** Name for messages; empty: none. */
  readonly file: string;
  readonly json: JsonObject;
  readonly #path: string;
  readonly #code: Code;
  readonly #asked = new Set<string>();
  readonly #problems: FieldProblem[] | undefined;
  /** Reading it was given up: what was not asked for may be known all the same. */
  #givenUp = false;

  /** @param json what JSON.parse gave */
  constructor(json: unknown, file: string, { path = '', code = 'MODEL_CONFIG', problems }: FieldsOptions = {}) {
    this.file = file;
    this.#path = path;
    this.#code = code;
    this.json = isObject(json) ? json : {};
    this.#problems = problems;
    if (isObject(json)) return;
    this.#note(path, { what: `${this.#of(path === '' ? 'the file' : path)} is ${show(json)}`, fix: 'give an object { … }' }, undefined);
    this.#problems = []; // what it lacks goes without saying
  }

  has(name: string): boolean {
    this.#asked.add(name);
    return Object.hasOwn(this.json, name) && this.json[name] !== null && this.json[name] !== undefined;
  }

  /** A nested object; absent: an empty one, so that all its defaults apply. */
  object(name: string): Fields {
    return new Fields(this.has(name) ? this.json[name] : {}, this.file, { path: this.path(name), code: this.#code as FieldsOptions['code'], problems: this.#problems });
  }

  /** A list of objects; absent: none. */
  objects(name: string): Fields[] {
    return this.list(name, isObject, 'objects { … }', []).map((json, i) => new Fields(json, this.file, { path: `${this.path(name)}[${i}]`, code: this.#code as FieldsOptions['code'], problems: this.#problems }));
  }

  /** A count or a size: an integer of at least 1, or what `min` and `max` say. */
  integer(name: string, fallback?: number, { min = 1, max = MAX_SIZE }: Range = {}): number {
    return this.#take(name, fallback, (v) => isNumber(v) && Number.isInteger(v) && v >= min && v <= max, `an integer from ${min} to ${max}`, Math.max(min, Math.min(max, 1)));
  }

  number(name: string, fallback?: number, { min = -Infinity, max = Infinity }: Range = {}): number {
    return this.#take(name, fallback, (v) => isNumber(v) && v >= min && v <= max, `a number${min === -Infinity ? '' : ` of at least ${min}`}${max === Infinity ? '' : ` and at most ${max}`}`, Math.max(min, Math.min(max, 1)));
  }

  /** A number over zero. */
  positive(name: string, fallback?: number): number {
    return this.#take(name, fallback, (v) => isNumber(v) && v > 0, 'a number over 0', 1);
  }

  boolean(name: string, fallback?: boolean): boolean {
    return this.#take(name, fallback, (v) => typeof v === 'boolean', 'true or false', false);
  }

  string(name: string, fallback?: string): string {
    return this.#take(name, fallback, (v) => typeof v === 'string' && v !== '', 'a text', '?');
  }

  oneOf<T extends string>(name: string, options: readonly T[], fallback?: T): T {
    return this.#take(name, fallback, (v) => options.includes(v as T), `one of ${options.map((o) => `"${o}"`).join(', ')}`, options[0]);
  }

  /** A list of numbers, `length` of them if given. */
  numbers(name: string, length: number | undefined, fallback?: number[]): number[] {
    return this.#take(name, fallback, (v) => Array.isArray(v) && v.every(isNumber) && (length === undefined || v.length === length), `a list of ${length ?? ''}${length === undefined ? '' : ' '}numbers`, Array<number>(length ?? 0).fill(0));
  }

  /** A list of anything. @param kind what the entries are, for messages */
  list<T>(name: string, isEntry: (v: unknown) => v is T, kind: string, fallback?: T[]): T[] {
    return this.#take(name, fallback, (v) => Array.isArray(v) && v.every(isEntry), `a list of ${kind}`, []);
  }

  /** Token ids: one number or a list of them; absent: none. */
  ids(name: string): number[] {
    return [this.#take<number | number[]>(name, [], (v) => isId(v) || (Array.isArray(v) && v.every(isId)), 'a token id or a list of them', [])].flat();
  }

  /** For files that people write: refuses fields that nothing has asked for, so that a misspelt one is not passed over. */
  done(): void {
    if (this.#givenUp) return;
    for (const name of Object.keys(this.json)) if (!this.#asked.has(name)) this.#note(this.path(name), { what: `${this.#of(this.path(name))} is not a known field`, fix: `known fields here: ${[...this.#asked].join(', ')}` }, undefined);
  }

  /** For a value that has the right type but can't be, where reading cannot go on. */
  refuse(name: string, why: string | undefined, fix?: string): never {
    const details = { what: `${this.#of(this.path(name))} is ${show(this.json[name])}`, why, fix };
    const error = new StaveError(this.#code, details);
    this.#problems?.push({ path: this.path(name), error });
    throw error;
  }

  /** For a value that has the right type but can't be, where reading can go on: thrown, or collected. */
  objectTo(name: string, why: string | undefined, fix?: string): void {
    this.#note(this.path(name), { what: `${this.#of(this.path(name))} is ${show(this.json[name])}`, why, fix }, undefined);
  }

  /** Reads a part of it. Where problems are collected, one that cannot be read past is noted, and the stand-in taken. */
  attempt<T>(work: () => T, standIn: T): T {
    try {
      return work();
    } catch (error) {
      if (this.#problems === undefined || !(error instanceof StaveError && error.code === this.#code)) throw error;
      this.#givenUp = true;
      if (!this.#problems.some((problem) => problem.error === error)) this.#problems.push({ path: this.#path, error });
      return standIn;
    }
  }

  path(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #of(path: string): string {
    return this.file === '' ? path : `${this.file}: ${path}`;
  }

  /** @param standIn a value of the right kind, to go on with where problems are collected */
  #take<T>(name: string, fallback: T | undefined, fits: (value: unknown) => boolean, wanted: string, standIn: T): T {
    const said = this.#of(this.path(name)), fix = `give ${wanted}`;
    if (this.has(name)) return fits(this.json[name]) ? (this.json[name] as T) : this.#note(this.path(name), { what: `${said} is ${show(this.json[name])}`, fix }, fallback ?? standIn);
    return fallback ?? this.#note(this.path(name), { what: `${said} is missing`, fix }, standIn);
  }

  /** Throws, or notes it and goes on. */
  #note<T>(path: string, details: Details, standIn: T): T {
    const error = new StaveError(this.#code, details);
    if (this.#problems === undefined) throw error;
    if (!this.#problems.some((problem) => problem.path === path)) this.#problems.push({ path, error }); // what follows from the stand-in is no problem of its own
    return standIn;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isId(value: unknown): value is number {
  return isNumber(value) && Number.isInteger(value) && value >= 0 && value <= MAX_SIZE;
}

/** A value as it stands in the file, cut so that a message stays readable. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
