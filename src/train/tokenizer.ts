import { stat } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import { textReader } from '../models/checkpoint.ts';
import { loadChatTemplate, loadTokenizer, type Tokenizer } from '../text/index.ts';
import type { Recipe } from './recipe.ts';

/** The recipe's tokenizer. Its chat template is read too: better told here than by the thread that makes batches.
 * @throws RECIPE saying the field, its path and what is wrong with it */
export async function openTokenizer({ tokenizer: dir, init }: Recipe): Promise<Tokenizer> {
  const read = textReader(dir);
  try {
    const tokenizer = await loadTokenizer(read);
    await loadChatTemplate(read);
    return tokenizer;
  } catch (cause) {
    if (!(cause instanceof StaveError)) throw cause;
    const there = await stat(dir).catch(() => undefined);
    const why = there === undefined ? 'there is no such folder; a relative path starts at the recipe\'s folder' : there.isDirectory() ? [cause.what.replace(/^the checkpoint /, 'it '), cause.why].filter(Boolean).join(': ') : 'it is not a folder';
    if (dir === init) throw new StaveError('RECIPE', { what: `init is "${dir}"`, why, fix: 'give a checkpoint with tokenizer.json and chat_template.json, or a folder that has them as "tokenizer"', cause });
    throw new StaveError('RECIPE', { what: `tokenizer is "${dir}"`, why, fix: 'give a folder with tokenizer.json and chat_template.json, for example that of a Qwen2-VL checkpoint', cause });
  }
}
