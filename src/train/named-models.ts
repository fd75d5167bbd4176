import { resolve } from 'node:path';
import { exists } from '../files/look.ts';
import { findModel } from '../hub/find.ts';

/** Fields of a recipe that lead to a model's directory. */
const fields = ['init', 'tokenizer'] as const;

/** A recipe with the directories of pulled models in place of their names; a path that is there stays, and so does what is neither.
 * @param base directory that relative paths start from  @throws MODEL_MISSING with the command that fetches it */
export async function withFoundModels(json: unknown, base: string): Promise<unknown> {
  if (typeof json !== 'object' || json === null) return json; // parsing will say so
  const found: Record<string, string> = {};
  for (const field of fields) {
    const model = (json as Record<string, unknown>)[field];
    if (typeof model === 'string' && !(await exists(resolve(base, model)))) found[field] = await findModel(model);
  }
  return { ...json, ...found };
}
