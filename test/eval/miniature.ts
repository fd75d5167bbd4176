/** The benchmarks in miniature: a few rendered clips and questions in exactly the layouts that the Hugging Face Hub and the authors' scripts have. */
import { createWriteStream } from 'node:fs';
import { link, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { ZipFile } from 'yazl';
import { renderSet, type Motion10Record } from '../../src/tasks/index.ts';
import { mvbenchFolders } from '../../src/tasks/mvbench/tasks.ts';
import { t10Classes } from '../../src/tasks/ssv2/classes.ts';
import { labels174 } from '../../src/tasks/ssv2/labels-174.ts';
import { aspects } from '../../src/tasks/vitatecs/vitatecs.ts';

export type Clips = { folder: string; files: string[]; records: Motion10Record[] };

/** Rendered clips, all mp4. */
export async function renderClips(folder: string, count = 4): Promise<Clips> {
  const { labels } = await renderSet(folder, { seed: 'miniature', count, codec: 'h264' });
  const records = (await readFile(labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
  return { folder, files: [...new Set(records.map(({ video }) => join(folder, video)))], records };
}

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** Another name for a clip. */
async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to);
}

/** A table as the Hub's converter writes it: columns of texts, or of lists of texts. */
export function parquet(rows: readonly Record<string, string | string[]>[], codec: 'SNAPPY' | 'UNCOMPRESSED' = 'SNAPPY'): Uint8Array {
  const writer = new ByteWriter();
  const names = Object.keys(rows[0]);
  const isList = (name: string) => Array.isArray(rows[0][name]);
  parquetWrite({
    writer, codec,
    columnData: names.map((name) => ({ name, data: rows.map((row) => row[name]) })),
    schema: [
      { name: 'schema', num_children: names.length },
      ...names.flatMap((name) => (isList(name)
        ? [{ name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' }, { name: 'list', repetition_type: 'REPEATED', num_children: 1 }, { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }]
        : [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }]) as object[]),
    ] as never,
  });
  return writer.getBytes();
}

export async function zip(path: string, files: Readonly<Record<string, string | Buffer>>, { mode }: { mode?: number } = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const archive = new ZipFile();
  for (const [name, content] of Object.entries(files)) archive.addBuffer(Buffer.from(content as Buffer), name, { mode });
  archive.end();
  await pipeline(archive.outputStream, createWriteStream(path));
}

/** Two questions per aspect. */
export async function vitatecs(root: string, { files }: Clips): Promise<void> {
  for (const aspect of aspects) {
    const rows = [0, 1].map((i) => ({ src_dataset: i === 0 ? 'VATEX' : 'MSRVTT', video_name: `${aspect}-${i}.mp4`, caption: `A shape rises ${aspect} ${i}.`, counterfactual: `A shape falls ${aspect} ${i}.`, aspect }));
    await put(join(root, 'vitatecs', aspect, 'test-00000-of-00001.parquet'), parquet(rows));
    for (const [i, { src_dataset, video_name }] of rows.entries()) await copy(files[i], join(root, 'vitatecs', src_dataset, video_name));
  }
}

/** Two questions per task, as the Hub's cache holds revision `video`. */
export async function mvbench(root: string, { files }: Clips): Promise<void> {
  const repository = join(root, 'hub', 'datasets--OpenGVLab--MVBench');
  const commit = 'abc123'.padEnd(40, '0');
  const snapshot = join(repository, 'snapshots', commit);
  await put(join(repository, 'refs', 'video'), commit);
  for (const [task, folder] of Object.entries(mvbenchFolders)) {
    const rows = [0, 1].map((i) => ({ video: `${task}/${i}.mp4`, question: `What happens in ${task} ${i}?`, candidates: ['It rises.', 'It falls.', 'It stays.'], answer: ['It falls.', 'It stays.'][i] }));
    await put(join(snapshot, 'json', `${task}.json`), JSON.stringify(rows));
    for (const [i, { video }] of rows.entries()) await copy(files[i], join(snapshot, folder, video));
  }
}

const font = (text: string): string => `<font color="white" size=".72c">${text}</font>`;

const videommeRow = (i: number) => ({
  video_id: `00${i}`, duration: ['short', 'medium', 'long'][i], domain: 'Knowledge', sub_category: 'Law', url: '', videoID: `video-${i}`, question_id: `00${i}-1`,
  task_type: 'Action Recognition', question: `What does the shape in ${i} do?`, options: ['A. It rises.', 'B. It falls.', 'C. It turns.', 'D. It stays.'], answer: 'ABC'[i],
});

/** Three videos with a question each, in two archives; subtitles for the first. */
export async function videomme(root: string, { files }: Clips): Promise<void> {
  const folder = join(root, 'videomme');
  await put(join(folder, 'videomme', 'test-00000-of-00001.parquet'), parquet([0, 1, 2].map(videommeRow)));
  const clips = await Promise.all(files.slice(0, 3).map((file) => readFile(file)));
  await zip(join(folder, 'videos_chunked_01.zip'), { 'data/video-0.mp4': clips[0], 'data/video-1.mp4': clips[1] });
  await zip(join(folder, 'videos_chunked_02.zip'), { 'data/video-2.mp4': clips[2] });
  await zip(join(folder, 'subtitle.zip'), { 'subtitle/video-0.srt': `1\n00:00:00,000 --> 00:00:30,000\n${font('Look, it goes up!')}\n\n2\n00:10:00,000 --> 00:10:01,000\n${font('Never shown.')}\n` });
}

/** Thirty clips of each of the ten classes, and two of others. */
export async function ssv2(root: string, { files }: Clips): Promise<void> {
  const folder = join(root, 'ssv2');
  const train = [...t10Classes.flatMap((template, c) => Array.from({ length: 30 }, (_, i) => ({ id: `${c}${String(i).padStart(2, '0')}`, template }))), { id: '1000', template: 'Opening [something]' }, { id: '1001', template: 'Closing [something]' }];
  await put(join(folder, 'labels', 'train.json'), JSON.stringify(train.map(({ id, template }) => ({ id, label: template, template, placeholders: [] }))));
  for (const [i, { id }] of train.entries()) await copy(files[i % files.length], join(folder, 'data_mp4', `${id}.mp4`));
  await put(join(folder, 'labels', 'test.json'), JSON.stringify([{ id: '000' }, { id: '001' }]));
  await put(join(folder, 'labels', 'test-answers.csv'), ['000', '001'].map((id, i) => `${id};${labels174[i].replaceAll(/[[\]]/g, '')}\n`).join(''));
}
