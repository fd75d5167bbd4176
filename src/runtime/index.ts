/** Runs graphs: a worker thread with onnxruntime, programs, kept tensors, cancellation. */
export { Program, type RunOptions } from './program.ts';
export type { About, Device, Feed, Port } from './protocol.ts';
export { Runtime, type CompileOptions, type RuntimeOptions } from './runtime.ts';
