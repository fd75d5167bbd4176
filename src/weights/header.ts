/** The header of a safetensors file: 8 bytes length, JSON, then tensors without a gap.
 * Format: https://github.com/huggingface/safetensors#format. Nothing a header says is believed or allocated before it is checked. */
import { StaveError } from '../errors.ts';
import { dtypes, isDType, type TensorInfo } from './dtypes.ts';
import { duplicateKey } from './json.ts';

/** Largest header accepted, bytes: the limit of the safetensors library. */
export const MAX_HEADER = 100_000_000;

export type Header = { tensors: TensorInfo[]; metadata: Record<string, string> };

const DAMAGED = 'download the file again or write it anew; it is damaged or was not made by a safetensors writer';

export function corrupt(file: string, what: string, why?: string, cause?: unknown): StaveError {
  return new StaveError('WEIGHTS_CORRUPT', { what: `${file}: ${what}`, why, fix: DAMAGED, cause });
}

/** Length of the JSON, from the first 8 bytes. @param fileSize bytes @throws WEIGHTS_CORRUPT */
export function headerLength(first8: Uint8Array, fileSize: number, file: string): number {
  if (fileSize < 8 || first8.length < 8) throw corrupt(file, `${fileSize} bytes long, a safetensors file has at least 8`);
  const length = new DataView(first8.buffer, first8.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) throw corrupt(file, `header of ${length} bytes, at most ${MAX_HEADER} are allowed`);
  if (length > BigInt(fileSize - 8)) {
    throw corrupt(file, `header of ${length} bytes, but only ${fileSize - 8} follow in the file`, 'the file was cut off or is something else');
  }
  if (length < 2n) throw corrupt(file, `header of ${length} bytes, the shortest is "{}"`);
  return Number(length);
}

/** Reads and checks the JSON. @param json the header's bytes, without the 8 of its length @param fileSize bytes @throws WEIGHTS_CORRUPT */
export function parseHeader(json: Uint8Array, fileSize: number, file: string): Header {
  const entries = Object.entries(parseObject(json, file));
  const start = 8 + json.length;
  const tensors: TensorInfo[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of entries) {
    if (name === '__metadata__') metadata = checkMetadata(entry, file);
    else tensors.push(checkTensor(name, entry, start, fileSize, file));
  }
  checkLayout(tensors, start, fileSize, file);
  return { tensors, metadata };
}

function parseObject(json: Uint8Array, file: string): object {
  if (json[0] !== 0x7b) throw corrupt(file, `header starts with byte ${json[0]}, not with "{"`);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(file, 'header is not JSON in UTF-8', (cause as Error).message, cause);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw corrupt(file, `header names ${JSON.stringify(twice)} twice`, 'readers would disagree about which one counts');
  return value as object;
}

function checkMetadata(entry: unknown, file: string): Record<string, string> {
  if (!isRecord(entry)) throw corrupt(file, `__metadata__ is ${describe(entry)}, not an object of strings`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw corrupt(file, `__metadata__ ${JSON.stringify(key)} is ${describe(value)}, not a string`);
  }
  return entry as Record<string, string>;
}

function checkTensor(name: string, entry: unknown, start: number, fileSize: number, file: string): TensorInfo {
  const at = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(entry)) throw corrupt(file, `${at} is ${describe(entry)}, not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDType(dtype)) {
    throw new StaveError('WEIGHTS_CORRUPT', {
      what: `${file}: ${at} has dtype ${describe(dtype)}`,
      why: `stave reads ${Object.keys(dtypes).join(', ')}`,
      fix: 'save the checkpoint in one of these types',
    });
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) throw corrupt(file, `${at} has shape ${describe(shape)}, not a list of sizes from 0 to 2^53 - 1`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw corrupt(file, `${at} has data_offsets ${describe(offsets)}, not two offsets from 0 to 2^53 - 1`);
  }
  const [begin, end] = offsets as number[];
  let byteLength: number = dtypes[dtype].bytes;
  for (const size of shape as number[]) {
    byteLength *= size;
    if (byteLength > Number.MAX_SAFE_INTEGER) throw corrupt(file, `${at} of shape [${shape.join(', ')}] has more than 2^53 bytes`);
  }
  if (end - begin !== byteLength) {
    throw corrupt(file, `${at} spans bytes ${begin} to ${end} (${end - begin}), ${dtype} [${shape.join(', ')}] needs ${byteLength}`);
  }
  if (end > fileSize - start) {
    throw corrupt(file, `${at} ends at byte ${end} of the data, the file holds ${fileSize - start}`, 'the file was cut off, or its header lies');
  }
  return { name, dtype, shape: shape as number[], file, offset: start + begin, byteLength };
}

/** Tensors tile the data: no overlap, no gap, nothing after the last. */
function checkLayout(tensors: readonly TensorInfo[], start: number, fileSize: number, file: string): void {
  const sorted = tensors.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = start;
  let previous = 'the header';
  for (const t of sorted) {
    const name = JSON.stringify(t.name);
    if (t.offset < end) throw corrupt(file, `tensor ${name} starts at byte ${t.offset - start} of the data and overlaps ${previous}, which ends at ${end - start}`);
    if (t.offset > end) throw corrupt(file, `${t.offset - end} bytes between ${previous} and tensor ${name} belong to no tensor`);
    end = t.offset + t.byteLength;
    previous = `tensor ${name}`;
  }
  if (end !== fileSize) throw corrupt(file, `${fileSize - end} bytes after ${previous} belong to no tensor`);
}

function isSize(x: unknown): x is number {
  return typeof x === 'number' && Number.isSafeInteger(x) && x >= 0 && !Object.is(x, -0);
}

export function isRecord(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

/** A value for an error message: short, whatever a file put there. */
export function describe(x: unknown): string {
  const text = x === undefined ? 'missing' : JSON.stringify(x);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
