import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import type { DType } from '../graph/index.ts';
import type { Weights } from '../weights/index.ts';
import { packedInfo, packedNames } from './packed.ts';

/** Text files of a model directory by name; undefined for one that is not there. @throws MODEL_MISSING when it can't be read */
export function textReader(dir: string): (name: string) => Promise<string | undefined> {
  return async (name) => {
    const file = join(dir, name);
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new StaveError('MODEL_MISSING', { what: `${file} cannot be read`, why: message, fix: 'check that it is a file and may be read', cause });
    }
  };
}

/** A JSON file of a model directory; undefined when there is none. @throws MODEL_CONFIG when it is no JSON */
export async function readJson(dir: string, name: string): Promise<unknown> {
  const text = await textReader(dir)(name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StaveError('MODEL_CONFIG', { what: `${join(dir, name)} is not JSON`, why: (cause as Error).message, fix: 'copy the file anew from where the model came from', cause });
  }
}

/** Float types of a checkpoint as the graph names them. */
export const floats: Record<string, DType> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** Holds a checkpoint to the tensors a model needs, before anything is built. @param names from the model's name to the checkpoint's
 * @param type of the part that a tensor is of, where the checkpoint was converted  @throws WEIGHT_MISSING, WEIGHT_SHAPE naming file, tensor and both shapes */
export function checkTensors(weights: Weights, shapes: ReadonlyMap<string, readonly number[]>, names: (name: string) => string, type: (name: string) => string | undefined): void {
  for (const [name, shape] of shapes) {
    if (weights.has(packedNames(names(name)).codes)) {
      packedInfo(weights, { name, storedName: names(name), shape, type: type(name) });
      continue;
    }
    const info = weights.info(names(name));
    if (info.shape.join() !== shape.join())
      throw new StaveError('WEIGHT_SHAPE', {
        what: `${info.file}: tensor "${info.name}" is [${info.shape.join(', ')}]`,
        why: `config.json asks for [${shape.join(', ')}]`,
        fix: 'use the config.json and the weights of one checkpoint',
      });
    if (!Object.hasOwn(floats, info.dtype))
      throw new StaveError('WEIGHT_SHAPE', {
        what: `${info.file}: tensor "${info.name}" is ${info.dtype}`,
        why: `weights must be one of ${Object.keys(floats).join(', ')}`,
        fix: 'save the checkpoint with floating-point weights',
      });
  }
}
