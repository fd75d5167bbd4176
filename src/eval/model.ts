/** A checkpoint directory as a run uses it: its fingerprint is read at once, the engine started only when there is something to ask. */
import { describe, openModelFiles } from '../generate/model-files.ts';
import { load, type LoadOptions } from '../generate/index.ts';
import type { EvalModel } from './run.ts';

export function storedModel(dir: string, options: LoadOptions = {}): EvalModel {
  return {
    info: async () => describe((await openModelFiles(dir, options.adapter)).model),
    async load() {
      const model = await load(dir, options);
      await model.ready(); // an engine that refuses the model is told before the first question
      return model;
    },
  };
}
