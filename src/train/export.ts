import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { saveCheckpoint } from '../weights/index.ts';
import { list, writeDirectory, writeWhole } from '../files/write.ts';

export type ExportOptions = {
  /** config.json in full. */
  config: Record<string, unknown>;
  /** By the names that they are saved under; data may come when its turn comes. */
  weights: Iterable<[string, { shape: readonly number[]; data: Float32Array | (() => Promise<Float32Array>) }]>;
  dtype: 'F32' | 'BF16';
  /** Directory whose tokenizer files and chat template are copied. */
  tokenizer: string;
  /** How frames become patches: file by file. */
  preprocessors: readonly { name: string; said: unknown }[];
  eos_token_id: number[];
  pad_token_id: number;
};

const tokenizerFiles = /^(tokenizer\.json|tokenizer_config\.json|vocab\.json|merges\.txt|added_tokens\.json|special_tokens_map\.json|chat_template\.(json|jinja))$/;

/** Saves a checkpoint directory in the Hugging Face layout, whole or not at all. @throws StaveError IO */
export async function exportModel(directory: string, options: ExportOptions): Promise<void> {
  await writeDirectory(directory, async (temporary) => {
    const json = (name: string, value: unknown) => writeWhole(join(temporary, name), `${JSON.stringify(value, null, 2)}\n`);
    await saveCheckpoint(temporary, [...options.weights].map(([name, { shape, data }]) => ({ name, dtype: options.dtype, shape, data })));
    await json('config.json', { ...options.config, torch_dtype: options.dtype === 'BF16' ? 'bfloat16' : 'float32' });
    for (const { name, said } of options.preprocessors) await json(name, said);
    await json('generation_config.json', { do_sample: false, eos_token_id: options.eos_token_id, pad_token_id: options.pad_token_id });
    for (const file of await list(options.tokenizer)) {
      const name = file.slice(options.tokenizer.length).replace(/^[\\/]/, '');
      if (tokenizerFiles.test(name)) await copyFile(file, join(temporary, name));
    }
  });
}

/** A preprocessor file with other bounds of a frame's area; they stand in it in the words it has. Without bounds, and without a file, what it says. */
export function boundedJson(said: unknown, bounds: { min_pixels: number; max_pixels: number }): unknown {
  const json = (said ?? {}) as { size?: object | null };
  const edges = json.size && 'shortest_edge' in json.size;
  return { ...json, ...bounds, size: edges ? { shortest_edge: bounds.min_pixels, longest_edge: bounds.max_pixels } : bounds };
}

/** preprocessor_config.json of a model whose frames have an area between the two, in pixels; mean and deviation are Qwen2-VL's (CLIP's). */
export function preprocessorJson({ min_pixels, max_pixels }: { min_pixels: number; max_pixels: number }): Record<string, unknown> {
  return {
    image_processor_type: 'Qwen2VLImageProcessor',
    processor_class: 'Qwen2VLProcessor',
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_std: [0.26862954, 0.26130258, 0.27577711],
    rescale_factor: 1 / 255,
    resample: 3,
    patch_size: 14,
    merge_size: 2,
    temporal_patch_size: 2,
    min_pixels,
    max_pixels,
    size: { min_pixels, max_pixels },
  };
}
