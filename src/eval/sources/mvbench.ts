import { mvbenchData } from '../../tasks/mvbench/mvbench.ts';
import { mvbenchFolders, type MvbenchTask } from '../../tasks/mvbench/tasks.ts';
import { asList, parseJson, readData, readTask } from '../data.ts';
import { candidatesIn, findFile, placesOf, type DataSet } from '../places.ts';
import type { Source } from './source.ts';

const set: DataSet = { folder: mvbenchData.folder, dataset: mvbenchData.dataset, revision: mvbenchData.revision };
const folders = [...new Set(Object.values(mvbenchFolders))];

/** A JSON file per task, and folders of clips that are cut already. */
export const mvbenchSource: Source = {
  ...set,
  files: ['json/<task>.json of the twenty tasks', ...folders.map((folder) => `${folder}/`)],
  questions: 4000,
  videos: new RegExp(`^(?:${folders.join('|')})/.+\\.(?:mp4|avi|mov|mkv|webm)$`, 'i'),
  async read(root, task) {
    const places = await placesOf(root, set);
    const path = await findFile(root, set, places, [mvbenchData.annotations(task.name.slice('mvbench_'.length) as MvbenchTask)]);
    const { text, file } = await readData(root, path);
    const docs = asList(parseJson(text(), path), path);
    return { task, source: path, ...readTask(task, path, docs), files: [file], locate: (video) => candidatesIn(places, set, video) };
  },
};
