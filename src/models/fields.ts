import { StaveError, type Code } from '../errors.ts';

/** Largest value a size in a config file may have: nothing real comes near, and products of a few stay exact. */
const MAX_SIZE = 2 ** 31 - 1;

export type JsonObject = Record<string, unknown>;

type Range = { min?: number; max?: number };

export type FieldsOptions = {
  /** Of the object in the file; empty: it is the whole file. */
  path?: string;
  /** Of the errors. */
  code?: Extract<Code, 'MODEL_CONFIG' | 'RECIPE' | 'ADAPTER'>;
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

  /** @param json what JSON.parse gave */
  constructor(json: unknown, file: string, { path = '', code = 'MODEL_CONFIG' }: FieldsOptions = {}) {
    this.file = file;
    this.#path = path;
    this.#code = code;
    if (!isObject(json)) throw new StaveError(code, { what: `${this.#of(path === '' ? 'the file' : path)} is ${show(json)}`, fix: 'give an object { … }' });
    this.json = json;
  }

  has(name: string): boolean {
    this.#asked.add(name);
    return Object.hasOwn(this.json, name) && this.json[name] !== null && this.json[name] !== undefined;
  }

  /** A nested object; absent: an empty one, so that all its defaults apply. */
  object(name: string): Fields {
    return new Fields(this.has(name) ? this.json[name] : {}, this.file, { path: this.path(name), code: this.#code as FieldsOptions['code'] });
  }

  /** A list of objects; absent: none. */
  objects(name: string): Fields[] {
    return this.list(name, isObject, 'objects { … }', []).map((json, i) => new Fields(json, this.file, { path: `${this.path(name)}[${i}]`, code: this.#code as FieldsOptions['code'] }));
  }

  /** A count or a size: an integer of at least 1, or what `min` and `max` say. */
  integer(name: string, fallback?: number, { min = 1, max = MAX_SIZE }: Range = {}): number {
    return this.#take(name, fallback, (v) => isNumber(v) && Number.isInteger(v) && v >= min && v <= max, `an integer from ${min} to ${max}`);
  }

  number(name: string, fallback?: number, { min = -Infinity, max = Infinity }: Range = {}): number {
    return this.#take(name, fallback, (v) => isNumber(v) && v >= min && v <= max, `a number${min === -Infinity ? '' : ` of at least ${min}`}${max === Infinity ? '' : ` and at most ${max}`}`);
  }

  /** A number over zero. */
  positive(name: string, fallback?: number): number {
    return this.#take(name, fallback, (v) => isNumber(v) && v > 0, 'a number over 0');
  }

  boolean(name: string, fallback?: boolean): boolean {
    return this.#take(name, fallback, (v) => typeof v === 'boolean', 'true or false');
  }

  string(name: string, fallback?: string): string {
    return this.#take(name, fallback, (v) => typeof v === 'string' && v !== '', 'a text');
  }

  oneOf<T extends string>(name: string, options: readonly T[], fallback?: T): T {
    return this.#take(name, fallback, (v) => options.includes(v as T), `one of ${options.map((o) => `"${o}"`).join(', ')}`);
  }

  /** A list of numbers, `length` of them if given. */
  numbers(name: string, length: number | undefined, fallback?: number[]): number[] {
    return this.#take(name, fallback, (v) => Array.isArray(v) && v.every(isNumber) && (length === undefined || v.length === length), `a list of ${length ?? ''}${length === undefined ? '' : ' '}numbers`);
  }

  /** A list of anything. @param kind what the entries are, for messages */
  list<T>(name: string, isEntry: (v: unknown) => v is T, kind: string, fallback?: T[]): T[] {
    return this.#take(name, fallback, (v) => Array.isArray(v) && v.every(isEntry), `a list of ${kind}`);
  }

  /** Token ids: one number or a list of them; absent: none. */
  ids(name: string): number[] {
    return [this.#take<number | number[]>(name, [], (v) => isId(v) || (Array.isArray(v) && v.every(isId)), 'a token id or a list of them')].flat();
  }

  /** For files that people write: refuses fields that nothing has asked for, so that a misspelt one is not passed over. */
  done(): void {
    const unknown = Object.keys(this.json).find((name) => !this.#asked.has(name));
    if (unknown !== undefined) throw new StaveError(this.#code, { what: `${this.#of(this.path(unknown))} is not a known field`, fix: `known fields here: ${[...this.#asked].join(', ')}` });
  }

  /** For a value that has the right type but can't be. */
  refuse(name: string, why: string | undefined, fix?: string): never {
    throw new StaveError(this.#code, { what: `${this.#of(this.path(name))} is ${show(this.json[name])}`, why, fix });
  }

  path(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #of(path: string): string {
    return this.file === '' ? path : `${this.file}: ${path}`;
  }

  #take<T>(name: string, fallback: T | undefined, fits: (value: unknown) => boolean, wanted: string): T {
    if (this.has(name)) return fits(this.json[name]) ? (this.json[name] as T) : this.refuse(name, undefined, `give ${wanted}`);
    if (fallback !== undefined) return fallback;
    throw new StaveError(this.#code, { what: `${this.#of(this.path(name))} is missing`, fix: `give ${wanted}` });
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
