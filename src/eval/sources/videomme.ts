import { readFile } from 'node:fs/promises';
import { StaveError } from '../../errors.ts';
import { firstFile, sizeOf } from '../../files/look.ts';
import { parseSubtitles } from '../../tasks/videomme/subtitles.ts';
import { subtitlePath, videoPaths, videommeData, type VideommeRow } from '../../tasks/videomme/videomme.ts';
import type { ClipFacts } from '../../tasks/index.ts';
import { frameTimes } from '../../video/index.ts';
import { readTask } from '../data.ts';
import { readParquet } from '../parquet.ts';
import { candidatesIn, findFiles, placesOf, type DataSet } from '../places.ts';
import type { Source } from './source.ts';

const set: DataSet = { folder: videommeData.folder, dataset: videommeData.dataset };

/** One parquet file; videos and subtitles in archives, which are unpacked beside it. */
export const videommeSource: Source = {
  ...set,
  files: ['videomme/test-*.parquet', 'data/*.mp4, or videos_chunked_*.zip', 'subtitle/*.srt, or subtitle.zip (videomme_w_subtitle)'],
  questions: 2700,
  videos: /^data\/[^/]+\.(?:mp4|mkv)$/i,
  async read(root, task) {
    const places = await placesOf(root, set);
    const paths = await findFiles(root, set, places, 'videomme', /^test-.*\.parquet$/, 'test-00000-of-00001.parquet');
    const { docs, files } = await readParquet(root, paths);
    const subtitles = (row: VideommeRow) => firstText(candidatesIn(places, set, subtitlePath(row)));
    return {
      task, source: paths.join(', '), ...readTask(task, paths.join(', '), docs), files,
      locate: (video) => namesOf(video).flatMap((name) => candidatesIn(places, set, name)),
      ...(task.name !== 'videomme_w_subtitle' ? {} : {
        async facts(row: unknown, signal?: AbortSignal): Promise<ClipFacts> {
          const found = await subtitles(row as VideommeRow);
          const [video] = videoPaths(row as VideommeRow); // opened as .mp4 alone, as the reference does
          const clip = found === undefined ? undefined : await ratesOf(candidatesIn(places, set, video), signal);
          return { fps: clip?.fps ?? 0, frames: clip?.frames ?? 0, subtitles: found?.text };
        },
        async check(row: unknown): Promise<void> {
          const found = await subtitles(row as VideommeRow);
          if (found !== undefined) parseSubtitles(found.text, found.path);
        },
      }),
    };
  },
};

/** Where a row's video is looked for: as the tasks name it, then with the other endings. */
function namesOf(video: string): string[] {
  const id = /^videomme\/data\/(.*)\.mp4$/.exec(video)?.[1];
  return id === undefined ? [video] : videoPaths({ videoID: id });
}

async function firstText(paths: readonly string[]): Promise<{ path: string; text: string } | undefined> {
  const path = await firstFile(paths);
  return path === undefined ? undefined : { path, text: await readFile(path, 'utf8') };
}

/** Rate and number of frames as the container states them; undefined for a file that is missing or can't be opened. */
async function ratesOf(paths: readonly string[], signal: AbortSignal | undefined): Promise<Pick<ClipFacts, 'fps' | 'frames'> | undefined> {
  for (const path of paths) {
    if ((await sizeOf(path)) === undefined) continue;
    try {
      const { info, frames } = await frameTimes(path, { signal });
      return { fps: info.fps, frames: info.frames ?? frames };
    } catch (error) {
      if (error instanceof StaveError && error.code.startsWith('VIDEO_')) return undefined;
      throw error;
    }
  }
  return undefined;
}
