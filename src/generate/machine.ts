/** How much memory there is. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';

/** Bytes that this process may take at all: the machine's, or its container's. */
export function machineMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0; // 0, or more than there is: none
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Bytes that this process can have now: what is free on the machine and in its container, and what it has already. */
export function availableMemory(): number {
  const free = process.platform === 'darwin' ? totalmem() : freemem(); // macOS calls little free: what it can take back at once is not counted
  const limit = machineMemory();
  const own = process.memoryUsage.rss();
  return Math.min(limit, free + own, limit - Math.max(0, usedByContainer() - own));
}

/** Bytes that a container's processes hold and that can't be taken back: without the files that it has read, which count against its limit too. 0 where that can't be told. */
function usedByContainer(): number {
  if (!(process.constrainedMemory?.() > 0)) return 0;
  try {
    const group = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/'; // within a container usually "/"
    const stat = readFileSync(`/sys/fs/cgroup${group}/memory.stat`, 'utf8');
    return Number(/^anon (\d+)/m.exec(stat)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
