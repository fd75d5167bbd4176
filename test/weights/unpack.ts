/** What packed rows stand for, by the definition: (code − zero point) · scale, number by number. */
import type { Packed, PackedRows, PackOptions } from '../../src/weights/index.ts';

/** @returns [rows, width] */
export function unpack({ codes, scales, zeros }: Packed, { width, bits, block_size }: PackOptions): Float32Array {
  const blocks = Math.ceil(width / block_size);
  const rows = scales.length / blocks;
  const value = (bytes: Uint8Array, perRow: number, row: number, i: number): number => {
    const byte = bytes[row * perRow + Math.floor((i * bits) / 8)];
    return bits === 8 ? byte : i % 2 === 0 ? byte % 16 : Math.floor(byte / 16);
  };
  return Float32Array.from({ length: rows * width }, (_, at) => {
    const row = Math.floor(at / width), i = at % width, block = Math.floor(i / block_size);
    return (value(codes, (blocks * block_size * bits) / 8, row, i) - value(zeros, Math.ceil((blocks * bits) / 8), row, block)) * scales[row * blocks + block];
  });
}

/** The same of rows with one scale each, code · scale. @returns [rows, width] */
export function unpackRows({ codes, scales }: PackedRows): Float32Array {
  const rows = scales.length, width = codes.length / rows;
  return Float32Array.from({ length: codes.length }, (_, at) => codes[(at % width) * rows + Math.floor(at / width)] * scales[Math.floor(at / width)]);
}
