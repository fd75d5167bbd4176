import { createInterface } from 'node:readline/promises';

/** A question on the terminal; anything but a yes is a no. @throws the signal's reason */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT')); // readline takes Ctrl-C: it goes where it always goes
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), new Promise<string>((resolve) => { lines.once('close', () => resolve('')); })]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}
