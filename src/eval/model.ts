/** A stored model as a run uses it: its fingerprint is read at once, the engine started only when there is something to ask. */
import { describe, openModelFiles } from '../generate/model-files.ts';
import { modelName } from '../hub/index.ts';
import { load, locate, type LoadOptions } from '../generate/index.ts';
import type { EvalModel } from './run.ts';

/** @param name a directory, or the name of a model that was pulled  @throws as load() does, from both functions */
export function storedModel(name: string, options: LoadOptions = {}): EvalModel {
  return {
    async info() {
      const { loaded, ...found } = await locate(name, options);
      const info = await describe((await openModelFiles(loaded, options.adapter)).model, found);
      return info.adapter === null ? info : { ...info, name: `${info.name} with ${modelName(info.adapter)}` };
    },
    async load() {
      const model = await load(name, options);
      await model.ready(); // an engine that refuses the model is told before the first question
      return model;
    },
  };
}
