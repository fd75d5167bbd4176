/** config.json of a new model: what the recipe says of it, and what its tokenizer does. */
import { StaveError } from '../errors.ts';
import { parseConfig, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Tokenizer } from '../text/index.ts';

/** Fields of config.json that hold a special token's id, and the token. */
const specialTokens = {
  bos_token_id: '<|endoftext|>',
  pad_token_id: '<|endoftext|>',
  eos_token_id: '<|im_end|>',
  vision_start_token_id: '<|vision_start|>',
  vision_end_token_id: '<|vision_end|>',
  vision_token_id: '<|vision_pad|>',
  image_token_id: '<|image_pad|>',
  video_token_id: '<|video_pad|>',
};

export type NewModel = { /** The recipe's fields of config.json. */ model: Record<string, unknown>; init_std: number | 'fan_in' };

type Known = Pick<Tokenizer, 'id' | 'vocabSize'>;

/** Of special tokens one each, and no others: enough to see whether a model's own fields fit together. */
const anyTokens: Known = { vocabSize: 8, id: (token) => Object.values(specialTokens).indexOf(token) };

/** @throws RECIPE naming the field that does not fit, whatever the tokenizer */
export function checkNewModel(of: NewModel): void {
  newModelConfig(of, anyTokens, '');
}

/** @param folder of the tokenizer, for messages  @throws RECIPE naming the field that does not fit, or the token that is missing */
export function newModelConfig({ model, init_std }: NewModel, tokenizer: Known, folder: string): Qwen2VLConfig {
  const id = (token: string) => {
    const found = tokenizer.id(token);
    if (found === undefined) throw new StaveError('RECIPE', { what: `the tokenizer in ${folder} has no token "${token}"`, fix: 'use a tokenizer with the special tokens of Qwen2-VL' });
    return found;
  };
  const { temporal_attention, ...fields } = model;
  const { vision_config, ...text } = fields as { vision_config?: object };
  try {
    return parseConfig(
      {
        architectures: ['Qwen2VLForConditionalGeneration'],
        model_type: 'qwen2_vl',
        vocab_size: tokenizer.vocabSize,
        rms_norm_eps: 1e-6,
        hidden_act: 'silu',
        rope_theta: 1_000_000,
        max_position_embeddings: 4096,
        tie_word_embeddings: true,
        use_sliding_window: false,
        initializer_range: init_std === 'fan_in' ? 0.02 : init_std,
        ...text,
        vision_config: { model_type: 'qwen2_vl', hidden_size: (text as { hidden_size?: number }).hidden_size, in_chans: 3, spatial_patch_size: 14, ...vision_config },
        ...(temporal_attention ? { temporal_attention } : {}),
        ...Object.fromEntries(Object.entries(specialTokens).map(([field, token]) => [field, id(token)])),
      },
      'model',
    );
  } catch (error) {
    if (error instanceof StaveError && error.code === 'MODEL_CONFIG') throw new StaveError('RECIPE', { what: error.what, why: error.why, fix: error.fix, cause: error });
    throw error;
  }
}
