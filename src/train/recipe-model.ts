/** A recipe's model as its data knows it: everything but the weights. */
import type { DataModel } from '../data/index.ts';
import { textReader } from '../models/checkpoint.ts';
import { openQwen2VL, parsePreprocessorConfig, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { loadChatTemplate } from '../text/index.ts';
import { preprocessorJson } from './export.ts';
import { modelSampling, newConfig } from './model.ts';
import type { Recipe } from './recipe.ts';
import { openTokenizer } from './tokenizer.ts';

/** What decides how training would make tokens of conversations, without the recipe's own words on frames (`data`). @throws as openTokenizer, newConfig and openQwen2VL */
export async function recipeModel(recipe: Recipe): Promise<DataModel> {
  const tokenizer = await openTokenizer(recipe);
  const template = await loadChatTemplate(textReader(recipe.tokenizer));
  const known = (config: Qwen2VLConfig, preprocessor: DataModel['preprocessor']): DataModel => ({ config, tokenizer, template, preprocessor, sampling: modelSampling(config) });
  if (recipe.init === null) {
    const { min_pixels, max_pixels } = recipe.data;
    const own = parsePreprocessorConfig(preprocessorJson({ min_pixels: min_pixels!, max_pixels: max_pixels! })); // a recipe of a new model has both
    return known(newConfig(recipe, tokenizer), { image: own, video: own });
  }
  const { config, weights, preprocessor, video_preprocessor } = await openQwen2VL(recipe.init);
  await weights.close();
  return known(config, { image: preprocessor, video: video_preprocessor });
}
