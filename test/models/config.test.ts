import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGenerationConfig } from '../../src/models/generation-config.ts';
import { configJson, parseConfig } from '../../src/models/qwen2vl/config.ts';
import { checkPreprocessor, parsePreprocessorConfig } from '../../src/models/qwen2vl/preprocessor-config.ts';
import { json } from '../text/goldens.ts';

const flat = await json('models/qwen2vl', 'config.json');
const changed = (changes: object) => ({ ...flat, ...changes });
const vision = (changes: object) => changed({ vision_config: { ...flat.vision_config, ...changes } });
const refused = (config: unknown, message: RegExp) => assert.throws(() => parseConfig(config), { code: 'MODEL_CONFIG', message });
const refusedProcessor = (json: object, message: RegExp) => assert.throws(() => parsePreprocessorConfig(json), { code: 'MODEL_CONFIG', message });

test('a flat file (transformers 4.46) and the same nested (4.57) are one configuration', () => {
  const top = ['architectures', 'model_type', 'image_token_id', 'video_token_id', 'vision_start_token_id', 'vision_end_token_id', 'vision_config', 'tie_word_embeddings'];
  const of = (keep: (key: string) => boolean) => Object.fromEntries(Object.entries(flat).filter(([key]) => keep(key)));
  const nested = { ...of((key) => top.includes(key)), text_config: of((key) => !top.includes(key)) };
  const { raw: _, ...expected } = parseConfig(flat);
  const { raw, ...actual } = parseConfig(nested);
  assert.deepEqual(actual, expected);
  assert.equal(raw, nested);

  const { rope_theta, rope_scaling, ...text } = nested.text_config as Record<string, unknown>;
  const newest = { ...nested, text_config: { ...text, rope_parameters: { ...(rope_scaling as object), rope_theta } } };
  assert.deepEqual(parseConfig(newest).rope_scaling, expected.rope_scaling);
  assert.equal(parseConfig(newest).rope_theta, expected.rope_theta);
});

test('missing fields take the defaults of transformers 4.46.1', () => {
  const { raw: _, ...config } = parseConfig({ model_type: 'qwen2_vl', rope_scaling: { mrope_section: [16, 24, 24] }, vision_config: { hidden_size: 8192 } });
  assert.deepEqual(config, {
    model_type: 'qwen2_vl',
    vocab_size: 152064, hidden_size: 8192, intermediate_size: 29568, num_hidden_layers: 80, num_attention_heads: 64, num_key_value_heads: 8,
    hidden_act: 'silu', max_position_embeddings: 32768, rms_norm_eps: 1e-5, tie_word_embeddings: false, rope_theta: 1_000_000, rope_scaling: { mrope_section: [16, 24, 24] },
    vision_config: { depth: 32, embed_dim: 1280, num_heads: 16, out_hidden_size: 8192, hidden_act: 'quick_gelu', intermediate_size: 5120, in_channels: 3, patch_size: 14, spatial_merge_size: 2, temporal_patch_size: 2 },
    image_token_id: 151655, video_token_id: 151656, vision_start_token_id: 151652, vision_end_token_id: 151653,
    bos_token_id: undefined, eos_token_id: [], pad_token_id: undefined,
  });
});

test('a wrong value is named with its path', () => {
  refused(vision({ num_heads: '8' }), /vision_config\.num_heads is "8"\n→ give an integer from 1/);
  refused(vision({ num_heads: 0 }), /vision_config\.num_heads is 0/);
  refused(vision({ num_heads: 5 }), /vision_config\.num_heads is 5\nvision_config\.embed_dim \(64\) must be a multiple/);
  refused(vision({ hidden_size: 32 }), /vision_config\.hidden_size is 32\n.*hidden_size is 64/);
  refused(changed({ vision_config: [] }), /vision_config is \[\]/);
  refused(changed({ hidden_size: 64.5 }), /hidden_size is 64\.5/);
  refused(changed({ num_hidden_layers: 1e12 }), /num_hidden_layers is 1000000000000/);
  refused(changed({ num_key_value_heads: 3 }), /num_key_value_heads is 3/);
  refused(changed({ rms_norm_eps: -1 }), /rms_norm_eps is -1/);
  refused(changed({ video_token_id: 1024 }), /video_token_id is 1024\n→ give an integer from 0 to 1023/);
  refused(changed({ rope_scaling: null }), /config\.json: rope_scaling\.mrope_section is missing/);
  refused(changed({ rope_scaling: { mrope_section: [2, 3, 4] } }), /rope_scaling\.mrope_section is \[2,3,4\]\n.*add up to half the head size, 8/);
  refused(changed({ rope_scaling: { mrope_section: [2, 3, 3], type: 'yarn' } }), /rope_scaling\.type is "yarn"/);
  refused(changed({ use_sliding_window: true }), /use_sliding_window is true/);
  refused(changed({ eos_token_id: [1, 'x'] }), /eos_token_id is \[1,"x"\]/);
  refused(changed({ temporal_attention: { order: 'time-first' } }), /temporal_attention\.order is "time-first"\n→ give one of "spatial-first", "temporal-first"/);
  refused(changed({ temporal_attention: { head_scale: 0 } }), /temporal_attention\.head_scale is 0/);
  refused([], /config\.json: the file is \[\]/);
});

/** Qwen2.5-VL-3B-Instruct as published, but for fields that no version of transformers reads. */
const published = {
  architectures: ['Qwen2_5_VLForConditionalGeneration'], model_type: 'qwen2_5_vl', bos_token_id: 151643, eos_token_id: 151645,
  image_token_id: 151655, video_token_id: 151656, vision_start_token_id: 151652, vision_end_token_id: 151653, vision_token_id: 151654,
  hidden_size: 2048, intermediate_size: 11008, num_hidden_layers: 36, num_attention_heads: 16, num_key_value_heads: 2, hidden_act: 'silu', vocab_size: 151936,
  max_position_embeddings: 128000, max_window_layers: 70, sliding_window: 32768, use_sliding_window: false, rms_norm_eps: 1e-6, rope_theta: 1_000_000,
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] }, tie_word_embeddings: true,
  vision_config: {
    depth: 32, hidden_act: 'silu', hidden_size: 1280, intermediate_size: 3420, num_heads: 16, in_chans: 3, out_hidden_size: 2048, patch_size: 14, spatial_merge_size: 2, spatial_patch_size: 14,
    window_size: 112, fullatt_block_indexes: [7, 15, 23, 31], tokens_per_second: 2, temporal_patch_size: 2,
  },
};
const windowed = (changes: object) => ({ ...published, vision_config: { ...published.vision_config, ...changes } });

test('Qwen2.5-VL: the published file, and what transformers 4.57 makes of it, are one configuration', () => {
  const { raw: _, ...config } = parseConfig(published);
  assert.deepEqual(config.vision_config, {
    depth: 32, embed_dim: 1280, num_heads: 16, out_hidden_size: 2048, hidden_act: 'silu', intermediate_size: 3420, in_channels: 3, patch_size: 14, spatial_merge_size: 2, temporal_patch_size: 2,
    windowed: { window_size: 112, fullatt_block_indexes: [7, 15, 23, 31], tokens_per_second: 2 },
  });
  const { vision_config, architectures, model_type, image_token_id, video_token_id, vision_start_token_id, vision_end_token_id, ...text } = published;
  const root = { architectures, model_type, image_token_id, video_token_id, vision_start_token_id, vision_end_token_id };
  const nested = { ...root, text_config: { ...text, model_type: 'qwen2_5_vl_text', rope_scaling: { ...text.rope_scaling, rope_type: 'default', type: 'default' } }, vision_config };
  const { raw: __, ...same } = parseConfig(nested);
  assert.deepEqual(same, config);
});

test('Qwen2.5-VL: missing fields take the defaults of transformers 4.57.6', () => {
  const { windowed: { window_size, fullatt_block_indexes, tokens_per_second } = {}, ...vision } = parseConfig({ model_type: 'qwen2_5_vl', hidden_size: 3584, num_attention_heads: 28, num_key_value_heads: 4, rope_scaling: { mrope_section: [16, 24, 24] } }).vision_config;
  assert.deepEqual([window_size, fullatt_block_indexes, tokens_per_second], [112, [7, 15, 23, 31], 4]);
  assert.deepEqual(vision, { depth: 32, embed_dim: 3584, num_heads: 16, out_hidden_size: 3584, hidden_act: 'silu', intermediate_size: 3420, in_channels: 3, patch_size: 14, spatial_merge_size: 2, temporal_patch_size: 2 });
});

test('Qwen2.5-VL: a wrong value is named by its own name', () => {
  refused(windowed({ out_hidden_size: 3584 }), /vision_config\.out_hidden_size is 3584\n.*hidden_size is 2048/);
  refused(windowed({ hidden_size: 1284 }), /vision_config\.num_heads is 16\nvision_config\.hidden_size \(1284\) must be a multiple/);
  refused(windowed({ window_size: 14 }), /vision_config\.window_size is 14\na window must hold a visual token, 28 pixels a side/);
  refused(windowed({ fullatt_block_indexes: [1, -1] }), /vision_config\.fullatt_block_indexes is \[1,-1\]\n→ give a list of block numbers/);
  refused(windowed({ tokens_per_second: 0 }), /vision_config\.tokens_per_second is 0/);
});

test('tied or not: in a nested file the language model says', () => {
  const { tie_word_embeddings: _, ...text } = published;
  const tied = (root: object, own: object) => parseConfig({ ...text, ...root, text_config: { ...text, ...own } }).tie_word_embeddings;
  assert.deepEqual([tied({}, {}), tied({}, { tie_word_embeddings: true }), tied({ tie_word_embeddings: false }, { tie_word_embeddings: true }), tied({ tie_word_embeddings: true }, {})], [false, true, true, true]);
});

test('other families are refused', () => {
  refused(changed({ model_type: 'llava' }), /model_type is "llava"\nstave runs Qwen2-VL and Qwen2\.5-VL/);
  refused(changed({ model_type: undefined }), /model_type is missing/);
  refused(changed({ architectures: ['Qwen2VLModel'] }), /architectures is \["Qwen2VLModel"\]/);
});

test("stave's own key is read, and saved with every field stave does not know", () => {
  const own = { ...flat, unheard_of: { a: 1 }, temporal_attention: { head_scale: 0.5, order: 'temporal-first', rows: 'frame-major' } };
  const config = parseConfig(own);
  assert.deepEqual(config.vision_config.temporal_attention, { head_scale: 0.5, order: 'temporal-first', rows: 'frame-major' });
  assert.deepEqual(configJson(config), own);
  assert.deepEqual(parseConfig(changed({ temporal_attention: {} })).vision_config.temporal_attention, { order: 'spatial-first', rows: 'patch-major' });
  assert.deepEqual(parseConfig({ ...published, temporal_attention: {} }).vision_config.temporal_attention, { order: 'spatial-first', rows: 'frame-major' });
  assert.deepEqual(configJson(parseConfig(flat)), flat);
});

test('generation_config.json: one end token or many, the defaults of transformers', async () => {
  const file = await json('models/qwen2vl', 'generation_config.json');
  assert.deepEqual(parseGenerationConfig(file), {
    eos_token_id: [1002, 1000], bos_token_id: 1000, pad_token_id: 1000, do_sample: true,
    temperature: 0.01, top_k: 1, top_p: 0.001, min_p: undefined, repetition_penalty: 1, max_new_tokens: undefined,
  });
  assert.deepEqual(parseGenerationConfig({ ...file, eos_token_id: 7 }).eos_token_id, [7]);
  const { eos_token_id, do_sample, top_k } = parseGenerationConfig(undefined, { eos_token_id: [3] });
  assert.deepEqual([eos_token_id, do_sample, top_k], [[3], false, 50]);
  assert.deepEqual(parseGenerationConfig(undefined, { eos_token_id: [3], pad_token_id: 5 }).eos_token_id, [3, 5]); // as Qwen's own files list them
  assert.throws(() => parseGenerationConfig({ top_p: 2 }), { code: 'MODEL_CONFIG', message: /generation_config\.json: top_p is 2\n→ give a number of at least 0 and at most 1/ });
});

const bounds = (json?: object, kind?: 'video') => {
  const { min_pixels, max_pixels } = parsePreprocessorConfig(json, undefined, kind);
  return [min_pixels, max_pixels];
};

test('preprocessor_config.json: old and new names of the area bounds', () => {
  assert.deepEqual(bounds(), [3136, 1003520]);
  assert.deepEqual(bounds({}, 'video'), [100352, 602112]);
  assert.deepEqual(bounds({ min_pixels: null, size: { shortest_edge: 1, longest_edge: 2 } }, 'video'), [1, 2]);
  assert.deepEqual(bounds({ min_pixels: 1, max_pixels: 2 }), [1, 2]);
  assert.deepEqual(bounds({ size: { min_pixels: 1, max_pixels: 2 } }), [1, 2]);
  assert.deepEqual(bounds({ size: { shortest_edge: 1, longest_edge: 2 } }), [1, 2]);
  assert.deepEqual(bounds({ min_pixels: 5, max_pixels: 6, size: { shortest_edge: 1, longest_edge: 2 } }), [5, 6]);
});

const rule = (json?: object, kind?: 'video') => parsePreprocessorConfig(json, undefined, kind).resize_rule;

test('which bicubic resizes is told by the processor that the file names', () => {
  assert.deepEqual([rule(), rule({ image_processor_type: 'Qwen2VLImageProcessor' }), rule({ image_processor_type: 'Qwen2VLImageProcessorFast' }), rule({}, 'video')], ['pil', 'pil', 'torchvision8', 'torchvision8']);
});

test('preprocessor_config.json that can not be is refused', () => {
  refusedProcessor({ min_pixels: 9, max_pixels: 5 }, /min_pixels is 9/);
  refusedProcessor({ size: { shortest_edge: '1' } }, /size\.shortest_edge is "1"/);
  refusedProcessor({ image_std: [1, 0, 1] }, /image_std is \[1,0,1\]/);
  refusedProcessor({ image_mean: [1, 0] }, /image_mean is \[1,0\]/);
  refusedProcessor({ resample: 2 }, /resample is 2/);
  assert.throws(() => checkPreprocessor(parsePreprocessorConfig({ merge_size: 4 }), parseConfig(flat)), { code: 'MODEL_CONFIG', message: /merge_size is 4\nconfig\.json has vision_config\.spatial_merge_size = 2/ });
  checkPreprocessor(parsePreprocessorConfig(undefined), parseConfig(flat));
});
