/** Pictures as a PNG file. https://www.w3.org/TR/png-3 */
import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from '../video/index.ts';

/** RGB, 8 bits a channel. */
export function png({ data, width, height }: Picture): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // bit depth, truecolour, the only compression and filter methods, not interlaced
  const rows = Buffer.alloc(height * (1 + 3 * width)); // a filter type of 0 (none) before each row
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + 3 * width) + 1);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [data.length, crc32(body)].map((value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  });
  return Buffer.concat([length, body, sum]);
}

/** Pictures in one row, a white line between them; lower ones stand at the top. */
export function sideBySide(pictures: readonly Picture[]): Picture {
  const gap = 2;
  const height = Math.max(1, ...pictures.map((picture) => picture.height));
  const width = Math.max(1, pictures.reduce((sum, picture) => sum + picture.width + gap, -gap));
  const data = new Uint8Array(width * height * 3).fill(255);
  let left = 0;
  for (const picture of pictures) {
    for (let y = 0; y < picture.height; y++) data.set(picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3), (y * width + left) * 3);
    left += picture.width + gap;
  }
  return { data, width, height };
}
