import { StaveError } from '../errors.ts';

/** Reads a JSON object field by field; every error names the path, the value and what is allowed. */
export class Fields {
  readonly path: string;
  readonly json: Record<string, unknown>;
  private readonly seen = new Set<string>();

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw problem(path, value, 'an object { … }');
    this.json = value as Record<string, unknown>;
    this.path = path;
  }

  has(key: string): boolean {
    return this.json[key] !== undefined;
  }

  raw(key: string): unknown {
    this.seen.add(key);
    return this.json[key];
  }

  child(key: string): Fields {
    return new Fields(this.raw(key) ?? {}, this.at(key));
  }

  string(key: string, fallback?: string): string {
    return this.value(key, fallback, (v): v is string => typeof v === 'string' && v !== '', 'a text');
  }

  boolean(key: string, fallback?: boolean): boolean {
    return this.value(key, fallback, (v): v is boolean => typeof v === 'boolean', 'true or false');
  }

  /** A number in [min, max]. */
  number(key: string, { min = -Infinity, max = Infinity }: { min?: number; max?: number }, fallback?: number): number {
    const range = `a number${min > -Infinity ? ` ≥ ${min}` : ''}${max < Infinity ? ` and ≤ ${max}` : ''}`;
    return this.value(key, fallback, (v): v is number => typeof v === 'number' && Number.isFinite(v) && v >= min && v <= max, range);
  }

  integer(key: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number }, fallback?: number): number {
    const range = `a whole number ≥ ${min}${max < Number.MAX_SAFE_INTEGER ? ` and ≤ ${max}` : ''}`;
    return this.value(key, fallback, (v): v is number => Number.isSafeInteger(v) && (v as number) >= min && (v as number) <= max, range);
  }

  choice<T extends string>(key: string, allowed: readonly T[], fallback?: T): T {
    return this.value(key, fallback, (v): v is T => allowed.includes(v as T), `one of ${allowed.map((a) => `"${a}"`).join(', ')}`);
  }

  list<T>(key: string, item: (v: unknown) => v is T, kind: string, fallback?: T[]): T[] {
    return this.value(key, fallback, (v): v is T[] => Array.isArray(v) && v.length > 0 && v.every(item), `a list of ${kind}`);
  }

  /** Refuses fields that nothing has asked for: a misspelt option must not be ignored. */
  done(): void {
    const unknown = Object.keys(this.json).find((key) => !this.seen.has(key));
    if (unknown !== undefined) {
      throw new StaveError('RECIPE', { what: `${this.at(unknown)} is not a field of a recipe`, fix: `known fields here: ${[...this.seen].join(', ')}` });
    }
  }

  private at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  private value<T>(key: string, fallback: T | undefined, valid: (v: unknown) => v is T, kind: string): T {
    const value = this.raw(key);
    if (value === undefined && fallback !== undefined) return fallback;
    if (!valid(value)) throw problem(this.at(key), value, kind);
    return value;
  }
}

function problem(path: string, value: unknown, kind: string): StaveError {
  const where = path === '' ? 'the recipe' : path;
  return new StaveError('RECIPE', { what: value === undefined ? `${where} is missing` : `${where} is ${JSON.stringify(value)}`, fix: `give ${kind}` });
}
