/** A report of finished runs: a page to look at, and its contents for programs. */
import { join } from 'node:path';
import { StaveError } from '../../errors.ts';
import { makeFolder } from '../../files/folder.ts';
import { writeError, writeWhole } from '../../files/write.ts';
import type { Protocol } from '../../tasks/index.ts';
import { collect, type Report } from './collect.ts';
import { resultsCsv, samplesCsv } from './csv.ts';
import { page } from './page.ts';
import { Pictures } from './pictures.ts';
import { telling } from './samples.ts';

export type ReportOptions = {
  /** Where the files go. Default: `report` in the first run's folder. */
  out?: string;
  /** Root of the data, to show frames from. Default: where the first run had it. */
  data?: string;
  /** Questions of each task on the page at most. Default 40. */
  samples?: number;
  /** Frames of a video that are shown at most. Default 6; 0: none. */
  frames?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
};

/** Writes index.html, report.json, results.csv and samples.csv, each whole or not at all. @param folders of finished runs, the first being what the others are compared with
 * @returns the path of the page, and questions whose frames could not be shown  @throws USAGE, DATA, IO, the signal's reason */
export async function writeReport(folders: readonly string[], { out, data, samples = 40, frames = 6, signal, onProgress }: ReportOptions = {}): Promise<{ page: string; shown: number; questions: number; withoutPicture: number; report: Report }> {
  if (folders.length === 0 || folders.length > 26) throw new StaveError('USAGE', { what: `${folders.length} runs cannot be reported`, fix: 'give the folders of one run or more, 26 at most' });
  const report = await collect(folders);
  const output = out ?? join(folders[0], 'report');
  const [{ manifest, protocol }] = report.runs;
  const pictures = new Pictures({ data: data ?? (typeof manifest?.data === 'string' ? manifest.data : '.'), protocol: protocol as Protocol, frames, signal });
  const chosen = telling(report.questions, samples);
  const shown: Parameters<typeof page>[1][number][] = [];
  for (const question of chosen) {
    onProgress?.({ done: shown.length, total: chosen.length });
    shown.push({ question, views: await pictures.of(question) });
  }
  await makeFolder(output).catch((cause: unknown) => { throw writeError(output, cause); });
  const file = join(output, 'index.html');
  await writeWhole(join(output, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeWhole(join(output, 'results.csv'), resultsCsv(report));
  await writeWhole(join(output, 'samples.csv'), samplesCsv(report));
  await writeWhole(file, page(report, shown));
  return { page: file, shown: shown.length, questions: report.questions.length, withoutPicture: shown.filter(({ views }) => views.some(({ why }) => why !== undefined)).length, report };
}
