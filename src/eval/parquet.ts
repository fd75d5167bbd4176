/** Rows of parquet files, the form in which the Hub keeps tables. */
import * as zlib from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { StaveError } from '../errors.ts';
import { readData, type DataFile, type Doc } from './data.ts';

/** hyparquet has Snappy itself; Node has the others that writers use (zstd from 22.15 on). */
const compressors = {
  GZIP: (input: Uint8Array) => zlib.gunzipSync(input),
  BROTLI: (input: Uint8Array) => zlib.brotliDecompressSync(input),
  ...(typeof zlib.zstdDecompressSync === 'function' ? { ZSTD: (input: Uint8Array) => zlib.zstdDecompressSync(input) } : {}),
};

/** All rows, file after file in the order given. @throws DATA naming the file that is damaged, IO */
export async function readParquet(root: string, paths: readonly string[]): Promise<{ docs: Doc[]; files: DataFile[] }> {
  const docs: Doc[] = [], files: DataFile[] = [];
  for (const path of paths) {
    const { bytes, file } = await readData(root, path);
    try {
      const rows = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer, compressors });
      for (const row of rows) docs.push(plain(row) as Doc);
    } catch (cause) {
      throw new StaveError('DATA', { what: `${path} is no parquet file that can be read`, why: (cause as Error).message, fix: 'get the file again (a Git LFS pointer of a few lines is none)', cause });
    }
    files.push(file);
  }
  return { docs, files };
}

/** As JSON has it: large integers, times and bytes made numbers and texts. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, plain(of)]));
  return value;
}
