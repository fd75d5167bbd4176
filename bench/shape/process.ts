import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StaveError } from '../../src/errors.ts';

/** Runs a file of this folder with one argument in a new process. @returns what it prints  @throws RUNTIME when it fails */
export async function inProcess<Result, Argument>(file: string, argument: Argument, signal: AbortSignal): Promise<Result> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const end = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killed) => resolve(killed ?? code));
  });
  if (end !== 0) throw new StaveError('RUNTIME', { what: `bench/shape/${file} ended with ${String(end)}`, fix: 'see what it said; SIGKILL usually means that the memory was not enough' });
  return JSON.parse(out) as Result;
}
