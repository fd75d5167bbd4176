import type { FileHandle } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import { dtypes, type TensorInfo, type TypedArray } from './dtypes.ts';
import { bf16ToF32, f16ToF32 } from './float.ts';
import { corrupt } from './header.ts';

/** Bytes asked of the file at once: small enough that converting a piece never holds the event loop for long. */
const CHUNK = 4 << 20;

/** The tensors of an open checkpoint, read by range. Made by openWeights; dispose it to close the files. */
export class Weights {
  /** The file the user named: a safetensors file or an index. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** `__metadata__` of the files. */
  readonly metadata: Readonly<Record<string, string>>;
  #handles: Map<string, FileHandle>;
  #closed = false;

  /** @internal */
  constructor(path: string, tensors: ReadonlyMap<string, TensorInfo>, handles: Map<string, FileHandle>, metadata: Record<string, string>) {
    this.path = path;
    this.tensors = tensors;
    this.metadata = metadata;
    this.#handles = handles;
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** @throws WEIGHT_MISSING */
  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info) return info;
    throw new StaveError('WEIGHT_MISSING', {
      what: `${this.path} has no tensor "${name}"`,
      why: similar(name, this.tensors.keys()),
      fix: 'check that config.json and the weights belong to the same checkpoint',
    });
  }

  /** The tensor as stored, row-major: F16, BF16 and the 8-bit floats as their bits. @throws WEIGHT_MISSING, WEIGHTS_CORRUPT, IO */
  async read(name: string): Promise<TypedArray> {
    return this.#readAll(this.info(name));
  }

  async #readAll(info: TensorInfo): Promise<TypedArray> {
    const bytes = new Uint8Array(info.byteLength); // own buffer, so any dtype is aligned
    for (let at = 0; at < bytes.length; at += CHUNK) await this.#fill(info, bytes.subarray(at, at + CHUNK), at);
    const { array, bytes: size } = dtypes[info.dtype];
    return new array(bytes.buffer, 0, info.byteLength / size);
  }

  /** A floating-point tensor as float32 (F64 rounded), or `range` of it: elements from `start` to before `end`. @throws WEIGHT_MISSING, WEIGHT_SHAPE, WEIGHTS_CORRUPT, IO */
  async readF32(name: string, range?: { start: number; end: number }): Promise<Float32Array> {
    const info = range === undefined ? this.info(name) : within(this.info(name), range);
    switch (info.dtype) {
      case 'F32':
        return (await this.#readAll(info)) as Float32Array;
      case 'F64':
        return new Float32Array((await this.#readAll(info)) as Float64Array);
      case 'F16':
      case 'BF16':
        return this.#widen(info, info.dtype === 'BF16' ? bf16ToF32 : f16ToF32);
      default:
        throw new StaveError('WEIGHT_SHAPE', {
          what: `${this.path}: tensor "${name}" is ${info.dtype}`,
          why: 'F32, F16, BF16 or F64 is needed here',
          fix: 'save the checkpoint with floating-point weights',
        });
    }
  }

  async #widen(info: TensorInfo, convert: (bits: Uint16Array, out: Float32Array) => Float32Array): Promise<Float32Array> {
    const out = new Float32Array(info.byteLength / 2);
    const piece = new Uint8Array(Math.min(CHUNK, info.byteLength));
    for (let at = 0; at < info.byteLength; at += CHUNK) {
      const bytes = piece.subarray(0, Math.min(CHUNK, info.byteLength - at));
      await this.#fill(info, bytes, at);
      convert(new Uint16Array(bytes.buffer, 0, bytes.length / 2), out.subarray(at / 2, (at + bytes.length) / 2));
    }
    return out;
  }

  /** Fills `into` from byte `at` of the tensor. */
  async #fill(info: TensorInfo, into: Uint8Array, at: number): Promise<void> {
    const handle = this.#handles.get(info.file);
    if (this.#closed || !handle) {
      throw new StaveError('USAGE', { what: `cannot read "${info.name}": ${this.path} is closed`, fix: 'read before disposing the weights' });
    }
    for (let done = 0; done < into.length; ) {
      let bytesRead: number;
      try {
        ({ bytesRead } = await handle.read(into, done, into.length - done, info.offset + at + done));
      } catch (cause) {
        throw new StaveError('IO', { what: `cannot read tensor "${info.name}" from ${info.file}`, why: (cause as Error).message, fix: 'check the disk', cause });
      }
      if (bytesRead === 0) throw corrupt(info.file, `ends within tensor "${info.name}"`, 'the file was cut off after it was opened');
      done += bytesRead;
    }
  }

  /** Closes the files, after reads under way. */
  async close(): Promise<void> {
    this.#closed = true;
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    await Promise.all(handles.map((h) => h.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A piece of a tensor, as a tensor of its own. */
function within(info: TensorInfo, { start, end }: { start: number; end: number }): TensorInfo {
  const { bytes } = dtypes[info.dtype];
  if (!(start >= 0 && start <= end && end * bytes <= info.byteLength)) throw new StaveError('USAGE', { what: `tensor "${info.name}" has no elements ${start} to ${end}` });
  return { ...info, shape: [end - start], offset: info.offset + start * bytes, byteLength: (end - start) * bytes };
}

/** A hint for a wrong prefix, the commonest mistake: old and new checkpoints name the same tensor differently. */
function similar(name: string, names: Iterable<string>): string | undefined {
  const tail = name.split('.').slice(-3).join('.');
  for (const other of names) if (other !== name && (other.endsWith(tail) || name.endsWith(`.${other}`))) return `it has "${other}"`;
  return undefined;
}
