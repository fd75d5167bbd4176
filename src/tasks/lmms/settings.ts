import type { TaskSettings } from '../task.ts';

/** How VITATECS, MVBench and Video-MME are run by lmms-eval 0.3.0 in the authors' copy: at most 32 frames of at most 256 visual tokens, an answer ends at a blank line.
 * Source: benchmark/staveq2.sh, lmms_eval/models/custom_qwen2_vl.py */
export const lmmsSettings = {
  frames: { rule: 'lmms', max_frames: 32 },
  pixels: { min_pixels: 4 * 28 * 28, max_pixels: 256 * 28 * 28 },
  eos_token: '<|im_end|>', // the tokenizer's; Qwen's generation_config.json names <|endoftext|> as well
  until: ['\n\n'],
  temporal_scope: 'item',
} as const satisfies Partial<TaskSettings>;

/** Of tasks that set nothing. */
export const defaultTokens = 128;

/** Of multiple choice: one letter is enough. */
export const choiceSettings: TaskSettings = { ...lmmsSettings, generation: { max_new_tokens: 16, temperature: 0, top_p: 1, num_beams: 1, do_sample: false } };

/** What the harness hands to `generate`: ids of Qwen2's vocabulary. What stands nowhere comes from the checkpoint's generation_config.json. */
export function lmmsGenerate({ generation }: Pick<TaskSettings, 'generation'>) {
  const { temperature = 0, top_p = null, num_beams = 1, max_new_tokens } = generation;
  return { eos_token_id: 151645, pad_token_id: 151643, do_sample: temperature > 0, temperature, top_p, num_beams, max_new_tokens, use_cache: true };
}
