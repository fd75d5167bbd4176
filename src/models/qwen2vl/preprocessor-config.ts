import type { ResizeRule } from '../../video/index.ts';
import { Fields } from '../fields.ts';
import type { Qwen2VLConfig } from './config.ts';

/** preprocessor_config.json and, for videos where there is one, video_preprocessor_config.json: how frames become patches. */
export type PreprocessorConfig = {
  min_pixels: number; // bounds of a frame's area after resizing
  max_pixels: number;
  patch_size: number; // pixels
  temporal_patch_size: number; // frames
  merge_size: number; // patches a side that become one visual token
  do_resize: boolean;
  resize_rule: ResizeRule; // told by the file's name or the processor's
  do_rescale: boolean;
  rescale_factor: number;
  do_normalize: boolean;
  image_mean: [number, number, number]; // RGB
  image_std: [number, number, number];
};

/** A file that tells how frames become patches, and what it holds; nothing where the checkpoint has none. */
export type PreprocessorFile = { name: 'preprocessor_config.json' | 'video_preprocessor_config.json'; said: unknown };

const BICUBIC = 3; // PIL.Image.Resampling

/** Areas where a file does not say them: transformers' Qwen2VLImageProcessor and Qwen2VLVideoProcessor. */
const areas = { image: { min_pixels: 56 * 56, max_pixels: 28 * 28 * 1280 }, video: { min_pixels: 128 * 28 * 28, max_pixels: 28 * 28 * 768 } };

/** Reads old and new field names: the area bounds are min_pixels/max_pixels, or inside `size` under these names or shortest_edge/longest_edge.
 * @param json what JSON.parse gave; undefined when the checkpoint has no such file: all defaults  @param kind whose defaults  @throws MODEL_CONFIG */
export function parsePreprocessorConfig(json: unknown, file = 'preprocessor_config.json', kind: keyof typeof areas = 'image'): PreprocessorConfig {
  const f = new Fields(json ?? {}, file);
  const size = f.object('size');
  const area = (name: string, edge: string, fallback: number) => (f.has(name) ? f : size).integer(f.has(name) || size.has(name) ? name : edge, fallback);
  const config: PreprocessorConfig = {
    min_pixels: area('min_pixels', 'shortest_edge', areas[kind].min_pixels),
    max_pixels: area('max_pixels', 'longest_edge', areas[kind].max_pixels),
    patch_size: f.integer('patch_size', 14),
    temporal_patch_size: f.integer('temporal_patch_size', 2),
    merge_size: f.integer('merge_size', 2),
    do_resize: f.boolean('do_resize', true),
    resize_rule: kind === 'video' || f.string('image_processor_type', 'Qwen2VLImageProcessor').endsWith('Fast') ? 'torchvision8' : 'pil',
    do_rescale: f.boolean('do_rescale', true),
    rescale_factor: f.positive('rescale_factor', 1 / 255),
    do_normalize: f.boolean('do_normalize', true),
    image_mean: f.numbers('image_mean', 3, [0.48145466, 0.4578275, 0.40821073]) as [number, number, number], // OpenAI CLIP
    image_std: f.numbers('image_std', 3, [0.26862954, 0.26130258, 0.27577711]) as [number, number, number],
  };
  if (config.min_pixels > config.max_pixels) (f.has('min_pixels') ? f : size).refuse(f.has('min_pixels') || size.has('min_pixels') ? 'min_pixels' : 'shortest_edge', `it must not be over the largest area, ${config.max_pixels}`);
  if (config.image_std.includes(0)) f.refuse('image_std', 'pixels are divided by it');
  if (f.integer('resample', BICUBIC, { min: 0 }) !== BICUBIC) f.refuse('resample', 'only bicubic resizing (3) is supported');
  return config;
}

/** Holds a preprocessor_config.json to the model's config.json: patches must be what the vision encoder was built for.
 * @throws MODEL_CONFIG */
export function checkPreprocessor(preprocessor: PreprocessorConfig, { vision_config }: Qwen2VLConfig, file = 'preprocessor_config.json'): void {
  const pairs = [['patch_size', 'patch_size'], ['temporal_patch_size', 'temporal_patch_size'], ['merge_size', 'spatial_merge_size']] as const;
  for (const [ours, theirs] of pairs)
    if (preprocessor[ours] !== vision_config[theirs])
      new Fields(preprocessor, file).refuse(ours, `config.json has vision_config.${theirs} = ${vision_config[theirs]}`, 'use the files of one checkpoint');
}
