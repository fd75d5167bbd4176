/** Writing safetensors files: in full or not at all, and the same bytes as the safetensors library writes. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { syncDirectory, writeError } from '../files/write.ts';
import { bytesOf, dtypes, isDType, type SafeDType, type TypedArray } from './dtypes.ts';
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

/** A tensor whose data comes later. */
export type TensorPlan = Omit<SaveTensor, 'data'>;

/** Writes elements of a tensor, from number `at` on (default: 0). */
export type PutTensor = (name: string, data: TypedArray, at?: number) => Promise<void>;

/** Writes to a temporary name beside `file`, syncs, renames: `file` is the old one or the whole new one, at every moment.
 * @param metadata `__metadata__`; transformers wants {format: 'pt'}, the default
 * @throws IO when it cannot be written (full disk); nothing is left behind. USAGE when data and shape disagree */
export async function saveSafetensors(file: string, tensors: Iterable<SaveTensor>, metadata?: Record<string, string>): Promise<void> {
  const all = inFileOrder([...tensors]);
  await writeSafetensors(file, all, async (put) => {
    for (const { name, data } of all) await put(name, typeof data === 'function' ? await data() : data);
  }, metadata);
}

/** The same for tensors that come in pieces and in any order: `fill` puts all their elements, each once. @throws as saveSafetensors; USAGE when some are missing */
export async function writeSafetensors(file: string, tensors: Iterable<TensorPlan>, fill: (put: PutTensor) => Promise<void>, metadata: Record<string, string> = { format: 'pt' }): Promise<void> {
  const target = resolve(file);
  const sorted = inFileOrder([...tensors]);
  const { header, offsets } = layOut(sorted, metadata);
  const plans = new Map(sorted.map((tensor) => [tensor.name, { ...tensor, left: count(tensor.shape) }]));
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  let handle: FileHandle | undefined;
  try {
    const opened = (handle = await open(temporary, 'wx'));
    await writeAt(handle, header, 0);
    await fill(async (name, data, at = 0) => {
      const plan = plans.get(name);
      if (plan === undefined) throw new StaveError('USAGE', { what: `cannot save: "${name}" is no tensor of this file`, fix: 'correct the list of tensors' });
      await writeTensor(opened, plan, data, at, offsets.get(name)!);
      plan.left -= data.length;
    });
    for (const { name, shape, left } of plans.values()) if (left !== 0) throw new StaveError('USAGE', { what: `cannot save tensor "${name}": ${count(shape) - left} elements for shape [${shape.join(', ')}]`, fix: `give ${count(shape)} elements` });
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, target);
    await syncDirectory(dirname(target));
  } catch (cause) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError(target, cause, sorted.reduce((sum, tensor) => sum + bytesOf(tensor), 0));
  }
}

/** As the safetensors library orders tensors: widest type first, which keeps every tensor aligned, then by name. */
function inFileOrder<T extends TensorPlan>(tensors: T[]): T[] {
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

/** The header, and where in the file each tensor begins. */
function layOut(tensors: readonly TensorPlan[], metadata: Record<string, string>): { header: Uint8Array; offsets: Map<string, number> } {
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
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return { header, offsets: new Map(entries.map(([name, { data_offsets: [begin] }]) => [name, header.length + begin])) };
}

/** @param offset of the tensor in the file */
async function writeTensor(handle: FileHandle, { name, dtype, shape }: TensorPlan, data: TypedArray, at: number, offset: number): Promise<void> {
  const narrow = data instanceof Float32Array && dtype === 'BF16' ? f32ToBf16 : data instanceof Float32Array && dtype === 'F16' ? f32ToF16 : undefined;
  if (!narrow && !(data instanceof dtypes[dtype].array)) {
    throw new StaveError('USAGE', { what: `cannot save tensor "${name}" as ${dtype} from a ${data.constructor.name}`, fix: `give a ${dtypes[dtype].array.name}` });
  }
  if (at < 0 || at + data.length > count(shape)) {
    throw new StaveError('USAGE', { what: `cannot save tensor "${name}": ${at + data.length} elements for shape [${shape.join(', ')}]`, fix: `give ${count(shape)} elements` });
  }
  const { bytes } = dtypes[dtype];
  for (let done = 0; done < data.length; done += CHUNK) {
    const piece = data.subarray(done, done + CHUNK);
    const out = narrow ? narrow(piece as Float32Array) : piece;
    await writeAt(handle, new Uint8Array(out.buffer, out.byteOffset, out.byteLength), offset + (at + done) * bytes);
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
