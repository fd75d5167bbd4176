/** What a command is, and how its arguments are read: one description serves parsing, help and errors. */
import { parseArgs } from 'node:util';
import { StaveError } from '../errors.ts';

export type Option = {
  type: 'string' | 'boolean';
  /** May be given several times; its value is a list. */
  many?: true;
  short?: string;
  default?: string;
  /** How the value is called in the help: `--frames N`. */
  value?: string;
  help: string;
};

export type Argument = { name: string; help: string; optional?: boolean; /** Of the last: any number of them. */ many?: boolean };

/** Where a command writes and how it is cancelled; a test passes its own. */
export type Io = {
  stdout: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  stderr: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  signal: AbortSignal;
  /** Asks whoever sits there whether to go on; absent: nobody does. */
  confirm?: (question: string) => Promise<boolean>;
  /** What stands on standard input; absent: nothing may be read there. */
  lines?: () => Promise<Lines>;
  /** Has the next Ctrl-C call `stop` and the command go on, until disposed. The one after that ends the command as ever. */
  onInterrupt?: (stop: () => void) => Disposable;
};

/** Lines that somebody types or that come through a pipe. */
export type Lines = Disposable & {
  /** Somebody types them and sees each answer before the next. */
  typed: boolean;
  /** undefined: there are no more. @throws IO; the signal's reason */
  next(): Promise<string | undefined>;
};

export type Values = { readonly [name: string]: string | boolean | readonly string[] | undefined };

export type Command = {
  name: string;
  summary: string;
  args: Argument[];
  options: Record<string, Option>;
  examples: string[];
  /** @returns the exit code; none: 0 */
  run(args: string[], values: Values, io: Io): Promise<number | void>;
};

/** Options that every command has. */
const common: Record<string, Option> = {
  help: { type: 'boolean', short: 'h', help: 'show this help' },
  debug: { type: 'boolean', help: 'show where an error came from' },
};

/** Reads `argv` by a command's description. @throws USAGE for an unknown option, a missing or a surplus argument */
export function parseCommand(command: Command, argv: string[]): { args: string[]; values: Values } {
  const options = { ...command.options, ...common };
  const parsed = parseArgs({
    args: argv,
    allowPositionals: true,
    strict: false,
    options: Object.fromEntries(Object.entries(options).map(([name, { type, short }]) => [name, short ? { type, short } : { type }])),
    tokens: true,
  });
  const values: Record<string, string | boolean | string[] | undefined> = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default]));
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (!option) throw unknown('option', token.rawName, Object.keys(options).map((name) => `--${name}`), command);
    if (option.type === 'boolean' && token.value !== undefined) throw usage(command, `--${token.name} takes no value, got "${token.value}"`);
    if (option.type === 'string' && token.value === undefined) throw usage(command, `--${token.name} needs a value (${option.value ?? option.help})`);
    if (option.type === 'string' && token.inlineValue === false && isOption(token.value!, options)) throw usage(command, `--${token.name} needs a value (${option.value ?? option.help}), but ${token.value} follows`);
    if (option.many) values[token.name] = [...((values[token.name] as string[] | undefined) ?? []), token.value!];
    else values[token.name] = option.type === 'boolean' ? true : token.value;
  }
  const args = parsed.positionals;
  if (values.help) return { args, values };
  const required = command.args.filter((argument) => !argument.optional).length;
  if (args.length < required) throw usage(command, `${command.args[args.length].name} is missing: ${command.args[args.length].help}`);
  if (args.length > command.args.length && !command.args.at(-1)?.many) throw usage(command, `"${args[command.args.length]}" is one argument too many (quote a question that has spaces)`);
  return { args, values };
}

/** Whether a word is the name of one of the options, and so hardly another one's value. */
function isOption(word: string, options: Record<string, Option>): boolean {
  return Object.entries(options).some(([name, { short }]) => word === `--${name}` || (short !== undefined && word === `-${short}`));
}

function usage(command: Command, what: string): StaveError {
  return new StaveError('USAGE', { what, fix: `stave ${command.name} --help` });
}

/** An error for a name that nobody knows, with the nearest known one. */
export function unknown(kind: string, given: string, known: string[], command?: Command): StaveError {
  const near = known.map((name) => ({ name, d: distance(given, name) })).toSorted((a, b) => a.d - b.d)[0];
  return new StaveError('USAGE', {
    what: `unknown ${kind} "${given}"`,
    fix: near && near.d <= Math.max(2, given.length / 3) ? `did you mean ${near.name}?` : `stave ${command ? `${command.name} ` : ''}--help lists them`,
  });
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** The help of one command, for a terminal of so many columns. */
export function help(command: Command, columns = Infinity): string {
  const options = { ...command.options, ...common };
  const usageLine = ['stave', command.name, ...command.args.map((a) => (a.optional ? `[${a.name}]` : a.many ? `${a.name}…` : a.name)), '[options]'].join(' ');
  const rows = Object.entries(options).map(([name, o]): [string, string] => [
    `  ${o.short ? `-${o.short}, ` : '    '}--${name}${o.type === 'string' ? ` ${o.value ?? 'VALUE'}` : ''}`,
    o.help + (o.default === undefined ? '' : ` (default ${o.default})`),
  ]);
  const argRows = command.args.map((a): [string, string] => [`  ${a.name}`, a.help]);
  const width = Math.max(...[...rows, ...argRows].map(([left]) => left.length)) + 2;
  const table = (list: [string, string][]) => list.map(([left, right]) => twoColumns(left, right, width, columns)).join('\n');
  return [
    command.summary, '', `usage: ${usageLine}`, ...(argRows.length > 0 ? ['', table(argRows)] : []), '', table(rows),
    ...(command.examples.length > 0 ? ['', 'examples:', ...command.examples.map((line) => `  ${line}`)] : []), '',
  ].join('\n');
}

/** `right` beside `left`, its further lines below itself; below `left` where there is no room beside it. */
function twoColumns(left: string, right: string, width: number, columns: number): string {
  const beside = columns - width >= 24;
  const indent = beside ? width : 8;
  const lines = wrap(right, Math.max(12, columns - indent));
  return beside ? left.padEnd(width) + lines.join(`\n${' '.repeat(indent)}`) : [left, ...lines.map((line) => ' '.repeat(indent) + line)].join('\n');
}

/** Lines of at most so many characters, broken at spaces; a longer word stands alone. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    if (lines.length > 0 && lines.at(-1)!.length + 1 + word.length <= columns) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines;
}

/** An option as a number. @throws USAGE when it is none or out of bounds */
export function number(values: Values, name: string, { min = -Infinity, max = Infinity, integer = false } = {}): number | undefined {
  const value = values[name];
  if (typeof value !== 'string') return undefined;
  const n = Number(value);
  if (value.trim() === '' || !Number.isFinite(n) || n < min || n > max || (integer && !Number.isInteger(n))) {
    const bounds = Number.isFinite(max) ? ` from ${min} to ${max}` : Number.isFinite(min) ? ` of at least ${min}` : '';
    throw new StaveError('USAGE', { what: `--${name} must be ${integer ? 'a whole number' : 'a number'}${bounds}, got "${value}"` });
  }
  return n;
}

/** An option as one of a few words. @throws USAGE */
export function choice<const T extends string>(values: Values, name: string, of: readonly T[]): T | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (!(of as readonly unknown[]).includes(value)) throw new StaveError('USAGE', { what: `--${name} must be one of ${of.join(', ')}, got "${String(value)}"` });
  return value as T;
}

export function string(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** What was given to an option that may be given several times. */
export function strings(values: Values, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}
