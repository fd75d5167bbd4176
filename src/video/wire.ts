/** Messages between stave and its decoding process: 4 bytes length of JSON, 4 bytes length of data (little-endian), JSON, data. */
import type { Code } from '../errors.ts';
import type { Message } from './jobs.ts';

/** An error of the child, as data. */
export type Fault = { type: 'error'; code: Code; what: string; why?: string; fix?: string };

export type Reply = Message | Fault;

export function header(json: Uint8Array, dataLength: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, json.length, true);
  view.setUint32(4, dataLength, true);
  return bytes;
}

export function parseHeader(bytes: Uint8Array): { jsonLength: number; dataLength: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return { jsonLength: view.getUint32(0, true), dataLength: view.getUint32(4, true) };
}
