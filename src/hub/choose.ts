/** Which files of a model are worth their bytes: what stave reads, and no second copy of the weights in another format. */
import { StaveError } from '../errors.ts';
import { readIndex } from '../weights/shards.ts';
import { checkFileName, printable } from './names.ts';

/** Beside the weights. A model has some of them. */
const texts = [
  'config.json', 'generation_config.json',
  'preprocessor_config.json', 'video_preprocessor_config.json', 'processor_config.json',
  'tokenizer.json', 'tokenizer_config.json', 'vocab.json', 'merges.txt', 'added_tokens.json', 'special_tokens_map.json',
  'chat_template.json', 'chat_template.jinja',
  'LICENSE',
];

/** Bytes that one of them may have; the largest real ones, tokenizer.json, have some 30 MB. */
export const MAX_TEXT = 200e6;

const WEIGHTS = 'model.safetensors', INDEX = 'model.safetensors.index.json';

type Names = { has(name: string): boolean };

export const isText = (name: string): boolean => texts.includes(name) || name === INDEX;

export type Choice = { texts: string[]; /** Holds the names of the shards; absent: one file has all weights. */ index: string | undefined };

/** @throws HUB_MISSING when there is nothing that stave could load */
export function chooseTexts(files: Names & Iterable<[string, unknown]>, id: string): Choice {
  const lacks = !files.has('config.json') ? 'config.json' : !files.has(WEIGHTS) && !files.has(INDEX) ? 'weights as safetensors' : !files.has('tokenizer.json') ? 'tokenizer.json' : undefined;
  if (lacks !== undefined) {
    const others = [...files].map(([name]) => name).filter((name) => /\.(bin|pt|pth|gguf|onnx|h5|msgpack)$/.test(name) || name.startsWith('adapter_'));
    throw new StaveError('HUB_MISSING', {
      what: `${id} has no ${lacks}`,
      why: others.length > 0 ? `it holds ${others.slice(0, 3).map((name) => printable(name)).join(', ')}${others.length > 3 ? ', …' : ''}` : undefined,
      fix: lacks === 'tokenizer.json' ? 'copy the model into a folder together with the tokenizer.json of the model it was trained from, and give that folder' : 'use a checkpoint in the layout of transformers, saved as safetensors',
    });
  }
  return { texts: texts.filter((name) => files.has(name)), index: files.has(WEIGHTS) ? undefined : INDEX };
}

/** Files with weights. @param index where the downloaded index lies  @throws WEIGHTS_CORRUPT, HUB_CORRUPT, HUB_MISSING */
export async function chooseWeights(files: Names, id: string, index: string | undefined): Promise<string[]> {
  if (index === undefined) return [WEIGHTS];
  const { shards } = await readIndex(index).catch((error: unknown) => {
    throw error instanceof StaveError ? new StaveError(error.code, { ...error, what: error.what.replaceAll(index, `${INDEX} of ${id}`), cause: error }) : error;
  });
  const names = [...shards.keys()];
  if (names.length === 0) throw new StaveError('WEIGHTS_CORRUPT', { what: `${INDEX} of ${id} names no shards`, fix: 'tell the owner of the model, or pull another --revision' });
  for (const name of names) {
    checkFileName(name);
    if (!files.has(name)) throw new StaveError('HUB_MISSING', { what: `${id} has no file ${printable(name)}`, why: `its ${INDEX} places ${shards.get(name)!.length} tensors there`, fix: 'tell the owner of the model, or pull another --revision' });
  }
  return names;
}
