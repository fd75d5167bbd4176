/** The model that comes with stave. */
import { fileURLToPath } from 'node:url';

const box = new URL('../../box/', import.meta.url);

/** Checkpoint directory of the model in the box. */
export const boxModel = fileURLToPath(new URL('model', box));

/** Folder with a few clips and their labels.jsonl. */
export const boxClips = fileURLToPath(new URL('clips', box));
