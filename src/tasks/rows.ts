import { StaveError } from '../errors.ts';

/** One row of a data file, read column by column. Every error says the file, the row (counted from 0, as doc_id in the reference's files), the column and its value. */
export class Row {
  readonly #at: string;
  readonly #columns: object;

  constructor(source: string, index: number, json: unknown) {
    this.#at = `${source}, row ${index}`;
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new StaveError('DATA', { what: `${this.#at} is ${show(json)}`, fix: 'each row is an object { … } of columns' });
    this.#columns = json;
  }

  /** A text; it may be empty. */
  text(column: string): string {
    const value = this.#value(column);
    return typeof value === 'string' ? value : this.refuse(column, 'a text is needed');
  }

  oneOf<T extends string>(column: string, names: readonly T[]): T {
    const value = this.text(column) as T;
    return names.includes(value) ? value : this.refuse(column, `one of ${names.join(', ')} is needed`);
  }

  /** At least one text, or as many as `min` says. */
  texts(column: string, { min = 1 }: { min?: number } = {}): string[] {
    const value = this.#value(column);
    if (Array.isArray(value) && value.length >= min && value.every((entry) => typeof entry === 'string')) return value;
    return this.refuse(column, 'a list of texts is needed');
  }

  /** A list of anything. */
  list(column: string): unknown[] {
    const value = this.#value(column);
    return Array.isArray(value) ? value : this.refuse(column, 'a list is needed');
  }

  /** The name of a file below the data's folder: what leads out of it is refused. */
  file(column: string): string {
    const name = this.text(column);
    const inside = name !== '' && !/[\\\0]/.test(name) && !name.split('/').some((part) => part === '' || part === '.' || part === '..'); // oxlint-disable-line no-control-regex -- NUL ends a path for the system
    return inside ? name : this.refuse(column, 'the name of a file inside the folder of the data is needed');
  }

  /** Ends with the error about a column. */
  refuse(column: string, why: string, fix = 'get the file again, or mend the row'): never {
    const known = Object.hasOwn(this.#columns, column);
    throw new StaveError('DATA', { what: `${this.#at}: "${column}" is ${known ? show((this.#columns as Record<string, unknown>)[column]) : 'missing'}`, why, fix });
  }

  #value(column: string): unknown {
    return Object.hasOwn(this.#columns, column) ? (this.#columns as Record<string, unknown>)[column] : undefined;
  }
}

/** Reads every row. @param source file or data set, for messages  @param id column and value by which rows must differ
 * @throws DATA naming row and column */
export function readRows<T>(source: string, rows: readonly unknown[], read: (row: Row) => T, id?: [column: string, of: (value: T) => string]): T[] {
  const seen = new Map<string, number>();
  return rows.map((json, index) => {
    const row = new Row(source, index, json);
    const value = read(row);
    if (id !== undefined) {
      const [column, of] = id;
      const before = seen.get(of(value));
      if (before !== undefined) row.refuse(column, `row ${before} has ${of(value)} too`, 'keep one row of each');
      seen.set(of(value), index);
    }
    return value;
  });
}

/** A value in a message: whole when short. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
