/** A folder of small videos and pictures, and data files about them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { png } from '../../src/video/png.ts';
import { encodeVideo, type Picture } from '../../src/video/index.ts';

/** A grey that says which frame it is, with a white column that moves. */
export function picture(i: number, width = 84, height = 56): Picture {
  const data = new Uint8Array(width * height * 3).fill(20 * (i % 10));
  for (let y = 0; y < height; y++) data.fill(255, (y * width + ((4 * i) % width)) * 3, (y * width + ((4 * i) % width) + 3) * 3);
  return { data, width, height };
}

const pictures = (count: number, width: number, height: number) => Array.from({ length: count }, (_, i) => picture(i, width, height));

/** `a.mp4` and `b.mp4` of 12 frames and `long.mp4` of 40, 10 a second, in two sizes; `1.png` to `4.png`; `broken.mp4`, which is no video. */
export async function clipFolder(): Promise<{ folder: string; write(name: string, rows: readonly unknown[]): Promise<string>; [Symbol.asyncDispose](): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'stave-data-'));
  await encodeVideo(join(folder, 'a.mp4'), pictures(12, 84, 56), { fps: 10, codec: 'h264' });
  await encodeVideo(join(folder, 'b.mp4'), pictures(12, 56, 112), { fps: 10, codec: 'h264' });
  await encodeVideo(join(folder, 'long.mp4'), pictures(40, 84, 56), { fps: 10, codec: 'h264' });
  for (const i of [1, 2, 3, 4]) await writeFile(join(folder, `${i}.png`), png(picture(i)));
  await writeFile(join(folder, 'broken.mp4'), 'no video at all');
  return {
    folder,
    async write(name, rows) {
      const file = join(folder, name);
      await writeFile(file, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
      return file;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** A row in the form of LLaMA-Factory. */
export const row = (video: string, question = 'What happens?', answer = 'It moves.', more: object = {}) => ({ messages: [{ role: 'user', content: `<video>${question}` }, { role: 'assistant', content: answer }], videos: [video], ...more });
