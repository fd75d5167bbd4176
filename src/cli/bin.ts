/** The process around the command line: signals, output that nobody reads or that has no room, exit code. */
import { isatty } from 'node:tty';
import { StaveError } from '../errors.ts';
import type { Io } from './command.ts';
import { Interrupt } from './interrupt.ts';
import { main, report } from './main.ts';

const abort = new AbortController();
const someone = isatty(0) && isatty(2);
let instead: (() => void) | undefined; // what the next Ctrl-C does
const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: abort.signal,
  ...(someone && { confirm: async (question) => (await import('./confirm.ts')).confirm(question, abort.signal) }),
  lines: async () => (await import('./lines.ts')).standardInput(someone, abort.signal),
  onInterrupt: (stop) => {
    instead = stop;
    return { [Symbol.dispose]: () => { instead = undefined; } };
  },
};
for (const [signal, exitCode] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  process.on(signal, () => {
    const stop = signal === 'SIGINT' ? instead : undefined;
    instead = undefined;
    if (stop !== undefined) return stop();
    if (abort.signal.aborted) process.exit(exitCode); // the second Ctrl-C does not wait
    abort.abort(new Interrupt('interrupted', exitCode));
  });
}
let lost: StaveError | undefined;
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') lost ??= new StaveError('IO', { what: 'cannot write the output', why: cause.message, fix: 'make room where it goes', cause });
  abort.abort(lost ?? new Interrupt('', 0)); // `stave … | head` has seen enough
});
process.stderr.on('error', () => {}); // nobody is left to tell

const code = await main(process.argv.slice(2), io);
await new Promise((resolve) => { process.stdout.write('', resolve); }); // what was written last may fail only now
process.exitCode = code === 0 && lost ? report(lost, io, false) : code;
