import { StaveError } from '../errors.ts';

/** Largest value a size in a config file may have: nothing real comes near, and products of a few stay exact. */
const MAX_SIZE = 2 ** 31 - 1;

export type JsonObject = Record<string, unknown>;

type Range = { min?: number; max?: number };

/** One object of a config file, read field by field. Every error says the file, the path of the field and its value.
 * A field that is absent or null takes the given default; without one it is required. */
export class Fields {
  readonly file: string;
  readonly json: JsonObject;
  readonly #path: string;

  /** @param json what JSON.parse gave  @param file name for messages */
  constructor(json: unknown, file: string, path = '') {
    if (!isObject(json)) throw new StaveError('MODEL_CONFIG', { what: `${file}: ${path === '' ? 'the file' : path} is ${show(json)}`, why: 'an object is needed' });
    this.file = file;
    this.json = json;
    this.#path = path;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.json, name) && this.json[name] !== null && this.json[name] !== undefined;
  }

  /** A nested object; absent: an empty one, so that all its defaults apply. */
  object(name: string): Fields {
    return new Fields(this.has(name) ? this.json[name] : {}, this.file, this.path(name));
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
    return this.#take(name, fallback, (v) => typeof v === 'string', 'a string');
  }

  oneOf<T extends string>(name: string, options: readonly T[], fallback?: T): T {
    return this.#take(name, fallback, (v) => options.includes(v as T), `one of ${options.map((o) => `"${o}"`).join(', ')}`);
  }

  /** A list of numbers, `length` of them if given. */
  numbers(name: string, length: number | undefined, fallback?: number[]): number[] {
    return this.#take(name, fallback, (v) => Array.isArray(v) && v.every(isNumber) && (length === undefined || v.length === length), `a list of ${length ?? ''}${length === undefined ? '' : ' '}numbers`);
  }

  /** Token ids: one number or a list of them; absent: none. */
  ids(name: string): number[] {
    return [this.#take<number | number[]>(name, [], (v) => isId(v) || (Array.isArray(v) && v.every(isId)), 'a token id or a list of them')].flat();
  }

  /** For a value that has the right type but can't be. */
  refuse(name: string, why: string, fix?: string): never {
    throw new StaveError('MODEL_CONFIG', { what: `${this.file}: ${this.path(name)} is ${show(this.json[name])}`, why, fix });
  }

  path(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #take<T>(name: string, fallback: T | undefined, fits: (value: unknown) => boolean, wanted: string): T {
    if (this.has(name)) return fits(this.json[name]) ? (this.json[name] as T) : this.refuse(name, `${wanted} is needed`);
    if (fallback !== undefined) return fallback;
    throw new StaveError('MODEL_CONFIG', { what: `${this.file} has no ${this.path(name)}`, why: `${wanted} is needed, and there is no published default` });
  }
}

export function isObject(value: unknown): value is JsonObject {
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
