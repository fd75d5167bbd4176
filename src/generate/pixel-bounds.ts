/** Between which areas frames are resized. */
import { StaveError } from '../errors.ts';
import type { JsonObject } from '../models/fields.ts';
import type { PreprocessorConfig, PreprocessorFile } from '../models/qwen2vl/index.ts';
import type { Setting } from './settings.ts';

export type PixelOptions = {
  /** Bounds of a frame's area in pixels. Default: preprocessor_config.json, for videos video_preprocessor_config.json if there is one; a smaller max_pixels alone lowers both. */
  min_pixels?: number;
  max_pixels?: number;
};

export type PixelBounds = { [Name in keyof Required<PixelOptions>]: Setting<number> };

/** The caller's bounds, else the checkpoint's. @throws USAGE */
export function pixelBounds(options: PixelOptions, preprocessor: PreprocessorConfig, { name: file, said: json }: PreprocessorFile): PixelBounds {
  const said = json as JsonObject; // parsed already, so it is an object
  const size = (said.size ?? {}) as JsonObject;
  const own = (name: keyof PixelOptions, edge: string): Setting<number> => ({ value: preprocessor[name], from: (said[name] ?? size[name] ?? size[edge] ?? null) === null ? 'default' : file });
  const max_pixels = option(options.max_pixels) ?? own('max_pixels', 'longest_edge');
  const lowered = max_pixels.value < preprocessor.min_pixels ? max_pixels : undefined;
  const min_pixels = option(options.min_pixels) ?? lowered ?? own('min_pixels', 'shortest_edge');
  const [min, max] = [min_pixels.value, max_pixels.value];
  if (!(Number.isInteger(min) && Number.isInteger(max) && min > 0 && min <= max)) throw new StaveError('USAGE', { what: `frames of ${min} to ${max} pixels were asked for`, fix: 'give whole numbers, min_pixels not over max_pixels' });
  return { min_pixels, max_pixels };
}

const option = (value: number | undefined): Setting<number> | undefined => (value === undefined ? undefined : { value, from: 'option' });
