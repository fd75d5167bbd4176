/** What benches that are commands have in common: options, Ctrl-C, exit codes as those of stave. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { StaveError } from '../src/errors.ts';

/** Runs a bench. Exit code 0, 1 for a failure, 2 for misuse, 130 when it was stopped; a second Ctrl-C does not wait. */
export async function runBench(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  try {
    await main(abort.signal);
  } catch (error) {
    console.error(abort.signal.aborted ? 'interrupted' : error instanceof StaveError ? error.message : error);
    process.exitCode = abort.signal.aborted ? 130 : error instanceof StaveError && error.code === 'USAGE' ? 2 : 1;
  }
}

/** The values of options. @throws USAGE for one that is not known */
export function readOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(options: Options) {
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    throw new StaveError('USAGE', { what: (cause as Error).message, fix: 'see --help', cause });
  }
}

/** An option as a whole number. @throws USAGE */
export function whole(name: string, text: string, least: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least) throw new StaveError('USAGE', { what: `--${name} ${text}`, fix: `give a whole number from ${least}` });
  return n;
}
