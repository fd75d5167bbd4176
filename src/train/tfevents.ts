/** TensorBoard's event files: records (length, checksum, data, checksum), each an Event message.
 * tensorboard/compat/proto/event.proto, summary.proto; tensorflow/core/lib/io/record_writer.h */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export type ScalarEvent = { /** Seconds since 1970. */ time: number; step: number; /** By tag: 'train/loss'. */ values: Readonly<Record<string, number>> };

/** The record that a file begins with. */
export function versionRecord(time: number): Uint8Array {
  return record(new BinaryWriter().tag(1, WireType.Bit64).double(time).tag(3, WireType.LengthDelimited).string('brain.Event:2').finish());
}

export function scalarRecord({ time, step, values }: ScalarEvent): Uint8Array {
  const event = new BinaryWriter().tag(1, WireType.Bit64).double(time).tag(2, WireType.Varint).int64(step).tag(5, WireType.LengthDelimited).fork(); // summary
  for (const [tag, value] of Object.entries(values)) event.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(tag).tag(2, WireType.Bit32).float(value).join();
  return record(event.join().finish());
}

function record(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return out;
}

/** A sum over data that itself holds sums is weak: hence turned and shifted, as TFRecord has it. */
function masked(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli; zlib's is another polynomial). */
export function crc32c(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

const table = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});
