/** Clips with the questions that a model is asked about them: drawn for the purpose, or somebody's files. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StaveError } from '../../src/errors.ts';
import { makeFolder } from '../../src/files/folder.ts';
import { writeError } from '../../src/files/write.ts';
import { renderSet, type Motion10Record, type RenderSetOptions } from '../../src/tasks/index.ts';

/** folder: that the records' videos lie in */
export type Clips = { records: Motion10Record[]; folder: string };

/** Renders the set, or what is missing of it. One question of each kind is asked of a clip. @throws as renderSet */
export async function renderedClips(folder: string, options: RenderSetOptions): Promise<Clips> {
  await makeFolder(folder).catch((cause: unknown) => { throw writeError(folder, cause); });
  const { records } = await labelledClips((await renderSet(folder, options)).labels);
  const seen = new Set<string>();
  const first = ({ video, kind }: Motion10Record) => !seen.has(`${video} ${kind}`) && Boolean(seen.add(`${video} ${kind}`));
  return { records: records.filter(first), folder };
}

/** @param file in the form of labels.jsonl, beside its videos  @throws IO */
export async function labelledClips(file: string): Promise<Clips> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read the labels ${file}`, why: cause.message, fix: 'give the labels.jsonl of a folder of clips', cause });
  });
  return { records: text.trim().split('\n').map((line) => JSON.parse(line) as Motion10Record), folder: dirname(resolve(file)) };
}
