import { gelu, type Dim, type Value } from '../../graph/index.ts';
import { linear, norm, type Params } from '../../nn/index.ts';

/** Four neighbouring patches become one visual token of the language model. They follow each other in a row because the processor orders patches so,
 * and they stay together in Qwen2.5-VL's order by windows.
 * x: [4·tokens, D] → [tokens, out_hidden_size]. transformers PatchMerger, Qwen2_5_VLPatchMerger */
export function merger(p: Params, x: Value, tokens: Dim, merge_size: number): Value {
  const D = Number(x.shape[1]);
  const y = norm(p.at('ln_q'), x).reshape([tokens, merge_size ** 2 * D]); // [tokens, 4·D]
  return linear(p.at('mlp.2'), gelu(linear(p.at('mlp.0'), y)));
}
