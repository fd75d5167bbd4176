/** From what a user calls a model to its directory: a folder, or the name of a model that was pulled. Nothing is asked of the network. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import type { Environment } from '../files/cache.ts';
import { findSnapshot, lacking, placeOf } from './cache.ts';
import { checkRevision, idOfFolder, isCommit, isModelId, splitName } from './names.ts';
import { hubCache } from './settings.ts';

/** The directory of a model. What is no name of a model is taken for a path, there or not.
 * @param model a path, `OWNER/NAME` or `OWNER/NAME@REVISION`; of two meanings, the path that is there  @throws MODEL_MISSING, with the command that fetches it */
export async function findModel(model: string, env?: Environment): Promise<string> {
  const { id, revision } = splitName(model);
  if (!isModelId(id) || (await stat(model).catch(() => undefined)) !== undefined) return model;
  checkRevision(revision);
  const cache = hubCache(env);
  const where = placeOf(cache, id);
  const there = (await stat(where.root).catch(() => undefined)) !== undefined;
  if (!there && !id.includes('/')) return model; // "checkpoint" is a folder that was mistyped
  const command = `stave pull ${id}${revision === 'main' ? '' : ` --revision ${revision}`}`;
  const dir = await findSnapshot(where, revision);
  if (dir === undefined)
    throw new StaveError('MODEL_MISSING', {
      what: there ? `${id} has not been pulled at "${revision}"` : `there is no model directory ${model}, and no such model in the cache`,
      why: `the cache is ${cache}`,
      fix: `run "${command}" to download it${there ? '' : ', or give a directory with config.json, tokenizer.json and model.safetensors'}`,
    });
  const lacks = await lacking(dir);
  if (lacks === undefined) return dir;
  throw new StaveError('MODEL_MISSING', { what: `${id} is in the cache in part only: ${lacks} is missing`, why: `in ${dir}`, fix: `run "${command}" to download the rest` });
}

/** Folders whose names tell nothing of the model in them: what trainings write, here and elsewhere. */
const tellsNothing = /^(?:model|adapter|best|last|final|checkpoint(?:-\d+)?)$/i;

/** What to call the model in a directory: its name on the Hub when it lies in a cache, else the folder's; `motion/model` where the folder is only called `model`, or the like. */
export function modelName(dir: string): string {
  const path = resolve(dir), above = dirname(path);
  const id = isCommit(basename(path)) && basename(above) === 'snapshots' ? idOfFolder(basename(dirname(above))) : undefined;
  return id ?? (tellsNothing.test(basename(path)) ? [basename(above), basename(path)].filter((name) => name !== '').join('/') : basename(path));
}
