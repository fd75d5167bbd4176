/** Writing safetensors by hand, lies included, and a second reader to compare with. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone when the test is over. */
export function folder(t: { after(f: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'stave-weights-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Bytes of a file with this header (an object or the JSON text itself) and `data` zero bytes after it. */
export function fileBytes(header: unknown, data: number | Uint8Array = 0, headerLength?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  return Buffer.concat([length, json, typeof data === 'number' ? Buffer.alloc(data) : data]);
}

export function write(path: string, bytes: Uint8Array | string): string {
  writeFileSync(path, bytes);
  return path;
}

/** The whole file at once, float values by arithmetic on sign, exponent and fraction: shares nothing with src/weights. */
export function readAll(file: string): Map<string, { dtype: string; shape: number[]; values: number[] }> {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const out = new Map<string, { dtype: string; shape: number[]; values: number[] }>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: [begin, end] } = entry;
    const at = bytes.subarray(8 + length + begin, 8 + length + end);
    const values: number[] = [];
    const size = { F32: 4, I32: 4, BF16: 2, F16: 2, U8: 1 }[dtype]!;
    for (let i = 0; i < at.length; i += size) {
      if (dtype === 'F32') values.push(at.readFloatLE(i));
      else if (dtype === 'I32') values.push(at.readInt32LE(i));
      else if (dtype === 'U8') values.push(at[i]);
      else values.push(floatValue(at.readUInt16LE(i), dtype === 'BF16' ? 8 : 5, dtype === 'BF16' ? 7 : 10));
    }
    out.set(name, { dtype, shape, values });
  }
  return out;
}

/** The number that a 16-bit float with so many exponent and fraction bits stands for. */
export function floatValue(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}
