import { spawn } from 'node:child_process';

/** glibc's allocator gives large pieces back to the system after each use and fetches them anew, which costs PyTorch half of its time: told not to. */
export const keepMemory = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 34), MALLOC_TOP_PAD_: String(2 ** 28) };

/** Runs a peer; the last line that it prints is its result. */
export async function runPeer<Result>(command: string, argv: string[], env: Record<string, string> = {}): Promise<Result> {
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const code = await new Promise((resolve, reject) => { child.on('error', reject); child.on('close', resolve); });
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}`);
  return JSON.parse(out.trim().split('\n').at(-1)!) as Result;
}
