/** Questions about files that nobody decodes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquet } from './miniature.ts';

/** Motion-10 with `count` descriptions of one clip; each asks its own number, every third is answered by `Answer <number>`. */
export async function synthetic(data: string, count: number): Promise<string> {
  await mkdir(join(data, 'motion10'), { recursive: true });
  await writeFile(join(data, 'motion10', 'c.mp4'), '');
  await writeFile(join(data, 'motion10', 'labels.jsonl'), Array.from({ length: count }, (_, i) => `${JSON.stringify({ id: `q${i}`, video: 'c.mp4', kind: 'describe', question: String(i), answer: i % 3 === 0 ? `Answer ${i}` : 'Something else' })}\n`).join(''));
  return data;
}

/** VITATECS' aspect Type with `count` captions of one clip. */
export async function captions(data: string, count: number): Promise<string> {
  await mkdir(join(data, 'vitatecs', 'Type'), { recursive: true });
  await mkdir(join(data, 'vitatecs', 'VATEX'));
  await writeFile(join(data, 'vitatecs', 'VATEX', 'c.mp4'), '');
  await writeFile(join(data, 'vitatecs', 'Type', 'test-00000-of-00001.parquet'), parquet(Array.from({ length: count }, (_, i) => ({ src_dataset: 'VATEX', video_name: 'c.mp4', caption: `Shape ${i} rises.`, counterfactual: `Shape ${i} falls.`, aspect: 'Type' }))));
  return data;
}
