import { motion10Data } from '../../tasks/motion10-task.ts';
import { parseJsonLines, readData, readTask } from '../data.ts';
import { candidatesIn, findFile, placesOf, type DataSet } from '../places.ts';
import type { Source } from './source.ts';

const set: DataSet = { folder: motion10Data.folder };

/** Clips with their labels.jsonl, as `stave render` writes them; such a folder may itself be the root. */
export const motion10Source: Source = {
  ...set,
  files: [`${motion10Data.labels} and its clips, as stave render writes them`],
  videos: /^[^/]+\.(?:mp4|webm)$/,
  async read(root, task) {
    const places = [...(await placesOf(root, set)), root];
    const path = await findFile(root, set, places, [motion10Data.labels]);
    const { text, file } = await readData(root, path);
    return { task, source: path, ...readTask(task, path, parseJsonLines(text(), path)), files: [file], locate: (video) => candidatesIn(places, set, video) };
  },
};
