/** Whether stave can run a model, told before its weights are there. */
import { StaveError } from '../errors.ts';
import { parseConfig } from '../models/qwen2vl/config.ts';
import { printable } from './names.ts';

/** Class names as config.json has them, else its model_type; undefined: it says neither. */
export function architectureOf(config: unknown): string | undefined {
  const { architectures, model_type } = (config ?? {}) as { architectures?: unknown; model_type?: unknown };
  const named = Array.isArray(architectures) ? architectures[0] : model_type;
  return typeof named === 'string' ? printable(named) : undefined;
}

/** @param text of config.json  @param file its name in errors  @throws MODEL_CONFIG saying what stave lacks for it */
export function checkRunnable(text: string, file: string): void {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw new StaveError('MODEL_CONFIG', { what: `${file} is not JSON`, why: (cause as Error).message, fix: 'tell the owner of the model, or use another', cause });
  }
  try {
    parseConfig(config, file);
  } catch (error) {
    throw error instanceof StaveError ? new StaveError(error.code, { ...error, what: printable(error.what, 400), cause: error }) : error; // values of the file stand in it
  }
}
