/** Writing safetensors files: in full or not at all, and the same bytes as the safetensors library writes. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { syncDirectory, writeError } from '../files/write.ts';
import { dtypes, isDType, type SafeDType, type TypedArray } from './dtypes.ts';
import { f32ToBf16, f32ToF16 } from './float.ts';

export type SaveTensor = {
  name: string;
  dtype: SafeDType;
  shape: readonly number[];
  /** Elements in row-major order, as read() gives them; Float32Array also for BF16 and F16, rounded to nearest even.
   * A function is called when its turn comes: a checkpoint need not fit into memory. */
  data: TypedArray | (() => TypedArray | Promise<TypedArray>);
};

/** Elements converted and written at once. */
const CHUNK = 1 << 20;

/** Writes to a temporary name beside `file`, syncs, renames: `file` is the old one or the whole new one, at every moment.
 * @param metadata `__metadata__`; transformers wants {format: 'pt'}, the default
 * @throws IO when it cannot be written (full disk); nothing is left behind. USAGE when data and shape disagree */
export async function saveSafetensors(file: string, tensors: Iterable<SaveTensor>, metadata: Record<string, string> = { format: 'pt' }): Promise<void> {
  const target = resolve(file);
  const sorted = inFileOrder([...tensors]);
  const header = encodeHeader(sorted, metadata);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
    await writeAll(handle, header);
    for (const tensor of sorted) await writeTensor(handle, tensor);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, target);
    await syncDirectory(dirname(target));
  } catch (cause) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError(target, cause, byteLength(sorted));
  }
}

/** As the safetensors library orders tensors: widest type first, which keeps every tensor aligned, then by name. */
function inFileOrder(tensors: SaveTensor[]): SaveTensor[] {
  const order = Object.keys(dtypes);
  const seen = new Set<string>(['__metadata__']);
  for (const { name, dtype, shape } of tensors) {
    let bad: string | undefined;
    if (!isDType(dtype)) bad = `has dtype ${String(dtype)}`;
    else if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) bad = `has shape [${shape.join(', ')}]`;
    else if (seen.has(name)) bad = 'is given twice or is a reserved name';
    if (bad) throw new StaveError('USAGE', { what: `cannot save: tensor "${name}" ${bad}`, fix: 'correct the list of tensors' });
    seen.add(name);
  }
  return tensors.toSorted((a, b) => order.indexOf(b.dtype) - order.indexOf(a.dtype) || (a.name < b.name ? -1 : 1));
}

function encodeHeader(tensors: readonly SaveTensor[], metadata: Record<string, string>): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape }) => {
    const begin = end;
    end += dtypes[dtype].bytes * count(shape);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const head: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  // Written pair by pair: in an object, names that look like numbers would move to the front.
  const pairs = [...head, ...entries].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const json = Buffer.from(`{${pairs.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

async function writeTensor(handle: FileHandle, { name, dtype, shape, data: given }: SaveTensor): Promise<void> {
  const data = typeof given === 'function' ? await given() : given;
  const narrow = data instanceof Float32Array && dtype === 'BF16' ? f32ToBf16 : data instanceof Float32Array && dtype === 'F16' ? f32ToF16 : undefined;
  if (!narrow && !(data instanceof dtypes[dtype].array)) {
    throw new StaveError('USAGE', { what: `cannot save tensor "${name}" as ${dtype} from a ${data.constructor.name}`, fix: `give a ${dtypes[dtype].array.name}` });
  }
  if (data.length !== count(shape)) {
    throw new StaveError('USAGE', { what: `cannot save tensor "${name}": ${data.length} elements for shape [${shape.join(', ')}]`, fix: `give ${count(shape)} elements` });
  }
  for (let at = 0; at < data.length; at += CHUNK) {
    const piece = data.subarray(at, at + CHUNK);
    const out = narrow ? narrow(piece as Float32Array) : piece;
    await writeAll(handle, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done)).bytesWritten;
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function byteLength(tensors: readonly SaveTensor[]): number {
  return tensors.reduce((sum, { dtype, shape }) => sum + dtypes[dtype].bytes * count(shape), 0);
}
