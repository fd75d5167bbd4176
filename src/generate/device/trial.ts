import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../runtime/index.ts';
import { tolerance, triedSorts, type Sort } from './self-test.ts';
import type { Task, Tried } from './trial-process.ts';

/** How a device did. `passing`: something else ended the trial, another may go otherwise. `off`: by how much numbers differ from the processor's, as a part of the largest. `faster`: than the processor, so many times, at products of the size that encoders have. */
export type DeviceTrial = { result: 'right'; off: number; faster: number } | { result: 'wrong' | 'absent'; why: string; passing?: true };

export type DeviceTrialOptions = { threads?: number; /** Milliseconds until a device counts as hung. */ timeout?: number; signal?: AbortSignal; /** Called when a device is about to be tried out: that takes seconds, and minutes with a slow driver. */ onTrial?: (device: Device) => void };

/** Compiling shaders for the first time takes seconds on a GPU, a minute where the driver is software. */
const TIMEOUT = 180e3;

/** Of signals that end a process those that a person or the system sends. A crash sends itself others. */
const FROM_OUTSIDE: readonly (number | string)[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'];

const PROCESS = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './trial-process.ts' : './trial-process.js', import.meta.url));

/** Runs the self-test on a device and on the processor, and compares. @throws the signal's reason */
export async function tryDevice(device: Device, sort: Sort, { threads, timeout = TIMEOUT, signal, onTrial }: DeviceTrialOptions = {}): Promise<DeviceTrial> {
  signal?.throwIfAborted();
  onTrial?.(device);
  const task: Task = { device, sort, threads };
  const child = spawn(process.execPath, [PROCESS, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' });
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  let out = '', err = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err = (err + data.toString()).slice(-2000)));
  const started = performance.now();
  const { end, failed } = await new Promise<{ end: number | string; /** It could not be started. */ failed?: true }>((resolve) => {
    child.on('error', ({ message }) => resolve({ end: message, failed: true }));
    child.on('close', (code, killed) => resolve({ end: killed ?? code! }));
  });
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (end === 'SIGKILL' && performance.now() - started >= timeout) return { result: 'wrong', why: `the self-test took more than ${timeout / 1000} s` };
  if (end !== 0) return { result: 'wrong', why: [`the self-test's process ended with ${end}`, err.trim().split('\n').at(-1)?.slice(0, 200)].filter(Boolean).join(': '), ...((failed || FROM_OUTSIDE.includes(end)) && { passing: true }) };
  return judged(JSON.parse(out.slice(out.lastIndexOf('\n') + 1)) as Tried, sort); // a driver may have said something before
}

function judged(tried: Tried, sort: Sort): DeviceTrial {
  if ('why' in tried) return { result: tried.there ? 'wrong' : 'absent', why: tried.why };
  let worst = 0;
  for (const [i, each] of triedSorts(sort).entries()) {
    const off = tried.off[i];
    if (off === null) return { result: 'wrong', why: 'a small model gives no numbers there' };
    if (off > tolerance(each)) return { result: 'wrong', why: `a small model gives other numbers there, off by ${(100 * off).toPrecision(2)} % of the largest` };
    worst = Math.max(worst, off);
  }
  return { result: 'right', off: worst, faster: tried.seconds.cpu / tried.seconds.device };
}
