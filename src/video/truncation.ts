import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Says whether a file ends before its own structure does (an interrupted download or copy), from box and chunk sizes alone: a decoder would
 * show what is there and stay silent. @returns what is missing, in words; undefined for a whole file or an unknown kind */
export function findTruncation(path: string): string | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const read = (at: number, length: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, at));
    };
    const head = read(0, 16);
    if (head.length < 12) return undefined;
    if (head.toString('latin1', 0, 4) === 'GIF8') return read(Math.max(0, size - 16), 16).includes(0x3b) ? undefined : 'its end marker is missing'; // a few stray bytes may follow it
    const end = firstBoxes.has(head.toString('latin1', 4, 8)) ? mp4End(read, size)
      : head.readUInt32BE(0) === 0x1a45dfa3 ? matroskaEnd(read)
      : head.toString('latin1', 0, 4) === 'RIFF' ? head.readUInt32LE(4) + 8
      : undefined;
    if (end !== undefined && end > size) return `it ends after ${size} bytes, its header speaks of ${end}`;
    return undefined;
  } finally {
    closeSync(file);
  }
}

const firstBoxes = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot']); // mp4 begins with the first, old QuickTime with any

type Read = (at: number, length: number) => Buffer;

/** Where the last top-level box that begins in the file ends. */
function mp4End(read: Read, size: number): number {
  let at = 0;
  while (at + 8 <= size) {
    const box = read(at, 16);
    let length = box.readUInt32BE(0);
    if (length === 1 && box.length === 16) length = Number(box.readBigUInt64BE(8));
    else if (length === 0) return size; // to the end of the file
    if (length < 8) return size; // not a box: the demuxer will judge
    at += length;
  }
  return at;
}

/** Where the Segment element ends; undefined when its size is unknown (live recordings). */
function matroskaEnd(read: Read): number | undefined {
  let at = 0;
  for (let element = 0; element < 8; element++) {
    const bytes = read(at, 12);
    if (bytes.length < 12) return undefined;
    const idLength = Math.clz32(bytes[0]) - 23; // a variable-length integer tells its length by its leading zeros
    const sizeLength = Math.clz32(bytes[idLength]) - 23;
    if (idLength > 4 || sizeLength > 8) return undefined;
    let value = BigInt(bytes[idLength] & (0xff >> sizeLength));
    for (let i = 1; i < sizeLength; i++) value = (value << 8n) | BigInt(bytes[idLength + i]);
    if (value === (1n << BigInt(7 * sizeLength)) - 1n) return undefined; // all ones: unknown
    at += idLength + sizeLength + Number(value);
    if (bytes.readUInt32BE(0) === 0x18538067) return at;
  }
  return undefined;
}
