/** What travels between the caller's thread and the worker that owns the engine. */
import type { Dim, DType, Tensor } from '../graph/index.ts';
import type { Code } from '../errors.ts';

/** A named tensor that goes into or comes out of a program; names in the shape are bound by the tensors fed. */
export type Port = { readonly name: string; readonly dtype: DType; readonly shape: readonly Dim[] };
export type Signature = { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] };

/** A tensor, or the key of one that the worker kept. */
export type Feed = Tensor | { kept: string };

/** Bytes that the model names by a made-up location: weights that are in memory. */
export type ExternalData = { path: string; data: Uint8Array };

/** What the engine says of itself. `bundled`: in the package; the others need more installed. */
export type About = { version: string; providers: { name: string; bundled: boolean }[] };

/** Where a graph runs. What a device has no kernel for, the processor computes. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

/** `root`: of the file system or drive, where weights in files are looked up from. */
export type Requests = {
  start: { threads: number; spin: boolean; device: Device };
  about: Record<string, never>;
  compile: { program: number; model: Uint8Array; externalData: ExternalData[]; root: string; optimize: 'all' | 'none'; pack: boolean; slowWhole: boolean; signature: Signature };
  run: { program: number; feeds: Record<string, Feed>; fetch: string[]; keep: Record<string, string>; keepIf?: string };
  release: { program: number };
  read: { key: string };
  write: { key: string; tensor: Tensor };
  drop: { key: string };
  close: Record<string, never>;
};
export type Answers = {
  start: null;
  about: About;
  compile: null;
  run: Record<string, Tensor>;
  release: null;
  read: Tensor;
  write: null;
  drop: null;
  close: null;
};
export type Kind = keyof Requests;

/** `state` is one Int32 that both threads see; see `states`. */
export type Call = { [K in Kind]: { id: number; kind: K; state: Int32Array; body: Requests[K] } }[Kind];
export type Reply = { id: number } & ({ ok: true; answer: Answers[Kind] } | { ok: false; error: WireError });

/** A call ends exactly once: the caller turns PENDING into CANCELLED, or the worker turns it into DONE; whoever comes second
 * yields. So a cancelled run has changed no kept tensor, and one that did is not reported as cancelled. */
export const states = { PENDING: 0, CANCELLED: 1, DONE: 2 } as const;

/** An error as plain data: a class does not survive the way between threads. */
export type WireError = { code: Code; what: string; why?: string; fix?: string };
