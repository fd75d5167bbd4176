import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));

/** Runs `stave …argv`; Linux alone. @returns the peak of its resident memory, bytes */
export async function peakOf(argv: string[]): Promise<number> {
  const child = spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '', peak = 0;
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const look = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8').then((status) => (peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))), () => {});
  }, 100);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(look);
  if (code !== 0) throw new Error(`stave ${argv.join(' ')} ended with ${code}: ${said}`);
  return peak;
}
