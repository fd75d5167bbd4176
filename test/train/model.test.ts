import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { textReader } from '../../src/models/checkpoint.ts';
import { loadTokenizer } from '../../src/text/index.ts';
import { exportModel, preprocessorJson } from '../../src/train/export.ts';
import { savedConfig, startModel } from '../../src/train/model.ts';
import { tiny } from './tiny.ts';

const renamed = (name: string): string => name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.');

test('training goes on from a checkpoint, whichever transformers named its tensors', async () => {
  await using setup = await tiny();
  const { recipe } = setup;
  const tokenizer = await loadTokenizer(textReader(recipe.tokenizer));
  const fresh = await startModel(recipe, tokenizer);
  for (const [folder, nameOf] of [['old', (name: string) => name], ['new', renamed]] as const) {
    const directory = join(recipe.out, folder);
    const weights = [...fresh.trained].map(([name, tensor]): [string, typeof tensor] => [nameOf(name), tensor]);
    await exportModel(directory, { config: savedConfig(fresh.config, recipe), weights, dtype: 'F32', tokenizer: recipe.tokenizer, preprocessors: [{ name: 'preprocessor_config.json', said: preprocessorJson({ min_pixels: 3136, max_pixels: 4704 }) }], eos_token_id: [1], pad_token_id: 0 });
    const read = await startModel({ ...recipe, init: directory, model: {} }, tokenizer);
    assert.deepEqual(read.trained, fresh.trained);
    await read.close();
    assert.deepEqual(read.config.vision_config, fresh.config.vision_config);
  }
});
