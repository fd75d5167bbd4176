/** Keeps a process from exiting while the worker is inside the engine: native code whose thread is ended under it brings the whole process down
 * ("terminate called after throwing an instance of 'Napi::Error'"). One shared word says where the worker is. */
const IDLE = 0, BUSY = 1, CLOSED = 2;

/** Milliseconds that process.exit() waits for a run under way. */
const PATIENCE = 10_000;

/** Shared with one worker. */
export const newGate = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4));

/** In the worker, before it calls the engine. @returns false once the process is exiting: call nothing any more */
export const enter = (gate: Int32Array): boolean => Atomics.compareExchange(gate, 0, IDLE, BUSY) === IDLE;

/** In the worker, when the engine has returned. */
export function leave(gate: Int32Array): void {
  Atomics.compareExchange(gate, 0, BUSY, IDLE);
  Atomics.notify(gate, 0);
}

const gates = new Set<Int32Array<SharedArrayBuffer>>();

/** In the main thread: on exit, the gate is closed and a run under way waited for. @returns what forgets the gate when its worker has ended */
export function guardExit(gate: Int32Array<SharedArrayBuffer>): () => void {
  if (gates.size === 0) process.on('exit', closeAll);
  gates.add(gate);
  return () => {
    gates.delete(gate);
    if (gates.size === 0) process.off('exit', closeAll);
  };
}

function closeAll(): void {
  const end = performance.now() + PATIENCE;
  for (const gate of gates) {
    while (Atomics.compareExchange(gate, 0, IDLE, CLOSED) === BUSY && performance.now() < end) Atomics.wait(gate, 0, BUSY, end - performance.now());
  }
}
