import { gelu, type Dim, type Value } from '../../graph/index.ts';
import { layerNorm, linear, type Params } from '../../nn/index.ts';

/** Four neighbouring patches become one visual token of the language model. They follow each other in a row because the processor orders patches so.
 * x: [4·tokens, D] → [tokens, hidden_size]. transformers PatchMerger */
export function merger(p: Params, x: Value, tokens: Dim, merge_size: number): Value {
  const D = Number(x.shape[1]);
  const y = layerNorm(p.at('ln_q'), x).reshape([tokens, merge_size ** 2 * D]); // [tokens, 4·D]
  return linear(p.at('mlp.2'), gelu(linear(p.at('mlp.0'), y)));
}
