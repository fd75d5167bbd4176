import { aspects, vitatecsData } from '../../tasks/vitatecs/vitatecs.ts';
import { readTask } from '../data.ts';
import { readParquet } from '../parquet.ts';
import { candidatesIn, findFiles, placesOf, type DataSet } from '../places.ts';
import type { Source } from './source.ts';

const set: DataSet = { folder: vitatecsData.folder, dataset: vitatecsData.dataset };

/** A folder of parquet files per aspect; the videos come from VATEX and MSR-VTT and are not on the Hub. */
export const vitatecsSource: Source = {
  ...set,
  files: ['<Aspect>/test-*.parquet of the six aspects', 'VATEX/*.mp4, MSRVTT/*.mp4'],
  videos: /^(?:VATEX|MSRVTT)\/[^/]+\.mp4$/,
  async read(root, task) {
    const places = await placesOf(root, set);
    const aspect = aspects.find((name) => task.name === `vitatecs_${name.toLowerCase()}`)!;
    const paths = await findFiles(root, set, places, aspect, /^test-.*\.parquet$/, 'test-00000-of-00001.parquet');
    const { docs, files } = await readParquet(root, paths);
    return { task, source: paths.join(', '), ...readTask(task, paths.join(', '), docs), files, locate: (video) => candidatesIn(places, set, video) };
  },
};
