import { choose, constant, dim, dimension, filled, graph, greater, input, type Dim, type Graph, type Tensor, type Value } from '../../graph/index.ts';
import { linear, norm } from '../../nn/index.ts';
import { languageModel } from './language.ts';
import type { Qwen2VL } from './model.ts';
import type { Grid } from './mrope.ts';
import { spaceTables, timeTables } from './rope.ts';
import { attendOverTime, placeAttended } from './temporal.ts';
import { isTemporal, timeRows, type VisionConfig } from './vision-config.ts';
import { visionTower, type AcrossTime, type VisionRope, type Windows } from './vision.ts';
import { windowTables } from './windows.ts';

/** Symbols: B clips of one grid, T frame groups, M visual tokens a group, K windows of W slots, V visual tokens in all, P positions before, S new ones, L wanted logits. */

type Vision = Pick<Qwen2VL, 'visual' | 'config'>;

/** Vision encoder in one piece, with everything that it computes on the way. pixel_values [B, T, 4·M, C·2·14·14], space_cos and space_sin [4·M, head_dim], with STA time_cos and
 * time_sin [T, head_dim], with windows window_index and reverse_indices [M], window_slots [K, W], window_places [4·M], window_bias [K, 1, W]
 * → embeds [B·T·M, hidden_size], patch_embed and block.0, block.1, …: [B·T·4·M, D]. */
export function visionGraph({ visual, config: { vision_config: config } }: Vision): Graph {
  const { rope, windows } = tableInputs(config);
  const pixels = input('pixel_values', 'float32', ['B', 'T', rope.space.cos.shape[0], patchValues(config)]);
  const { patches, hidden, embeds } = visionTower(visual, pixels, rope, config, windows);
  return graph({ embeds, patch_embed: patches, ...Object.fromEntries(hidden.map((x, i) => [`block.${i}`, x])) });
}

/** Vision encoder in parts that stand side by side, so that a run computes one of them over a slice of a clip: it is fed nothing, tensors of size 0, for the others, which then cost next to nothing.
 * (Weights are held once, and what a run takes goes back to the next, as it would not in several sessions.) With the tables above,
 * - pixel_values [F0, 4·M, C·2·14·14] → the part up to the first block i with temporal attention, or to the end
 * - for each such block, sequences.i [T, P, D]: P patch positions at all times → attended.i [P, T, H·d]: what its temporal attention gives, before the projection
 * - rows.i [F, 4·M, D] and attended_rows.i [F, 4·M, H·d]: the rows of x that went in, and those of attended that meet them, see TemporalAttention.rows → the part up to the next such block, or to the end
 * A part gives x.i [F·4·M, D], what block i's temporal attention begins with, or, at the end, embeds [F·M, hidden_size].
 *
 * Or all parts run one after the other over whole clips, C of them: then `whole` is [C, 1], pixel_values holds their frames, sequences, rows and attended_rows nothing, and only embeds comes out. Otherwise
 * `whole` is [1, 0].
 * @param fused see visionTower  @param whole whether they can; not where each part is a session */
export function visionParts({ visual, config: { vision_config: config } }: Vision, { fused = true, whole = true }: { fused?: boolean; whole?: boolean } = {}): Graph {
  const { rope, windows } = tableInputs(config);
  const [N] = rope.space.cos.shape;
  const { embed_dim: D, num_heads } = config;
  const outputs: Record<string, Value> = {};
  const ways = whole && cutBlocks(config).length > 0 ? eitherWay() : slicesAlone;
  const across: AcrossTime = (x, p, i) => {
    outputs[`x.${i}`] = ways.out(x);
    const F = dim.add(`F${i + 1}`, dim.mul(ways.clips, 'T', ways.each)), places = dim.add(`P${i}`, dim.mul(N, ways.each)); // of a slice or of all
    const sizes = { B: ways.clips, T: 'T', N: places };
    const sequences = input(`sequences.${i}`, 'float32', ['T', `P${i}`, D]).reshape([dim.mul('T', `P${i}`), D]); // [T·P, D]
    const attended = attendOverTime(p.at('temp_attn'), norm(p.at('norm3'), ways.through(x, sequences, [dim.mul(ways.clips, 'T', places), D])), rope.time, sizes, D / num_heads, fused); // [P, T, H·d]
    outputs[`attended.${i}`] = ways.out(attended);
    const width = attended.shape[2];
    const rows = input(`rows.${i}`, 'float32', [`F${i + 1}`, N, D]).reshape([dim.mul(`F${i + 1}`, N), D]); // [F·N, D]
    const y = input(`attended_rows.${i}`, 'float32', [`F${i + 1}`, N, width]).reshape([dim.mul(`F${i + 1}`, N), width]); // [F·N, H·d]
    const placed = ways.through(placeAttended(attended, sizes, timeRows(config)), y, [dim.mul(F, N), width]);
    return ways.through(x, rows, [dim.mul(F, N), D]).add(linear(p.at('temp_attn.proj'), placed));
  };
  const pixels = input('pixel_values', 'float32', [1, 'F0', N, patchValues(config)]);
  const { embeds } = visionTower(visual, pixels, rope, config, windows, { across, fused });
  return graph({ ...outputs, embeds }, ways.inputs);
}

/** How values pass the cuts between parts. */
type Ways = {
  /** `whole`, where it is fed, and its dims. */
  inputs: Value[];
  clips: Dim;
  each: Dim;
  /** What came before, or what is fed in its place; and the shape of either. */
  through(before: Value, fed: Value, shape: Dim[]): Value;
  /** What comes out at a cut. */
  out(x: Value): Value;
};

const slicesAlone: Ways = { inputs: [], clips: 1, each: 0, through: (_before, fed) => fed, out: (x) => x };

/** Whole clips pass all cuts, and nothing comes out there: outputs are held to the end of a run, asked for or not. */
function eitherWay(): Ways {
  const given = input('whole', 'float32', ['C', 'E']);
  const [clips, each] = given.shape;
  const whole = greater(dimension(each), constant(0, 'int64', [])); // []
  return { inputs: [given], clips, each, through: (before, fed, shape) => choose(whole, before, fed, shape), out: (x) => choose(whole, filled(x.shape.with(0, 0), 0), x, x.shape) };
}

/** The blocks at which {@link visionParts} is cut, ascending. */
export const cutBlocks = (config: VisionConfig): number[] => Array.from({ length: config.depth }, (_, i) => i).filter((i) => isTemporal(config, i));

/** Numbers in a patch, C·2·14·14. */
export const patchValues = (config: VisionConfig): number => config.in_channels * config.temporal_patch_size * config.patch_size ** 2;

/** The tables of a vision encoder as inputs of a graph, fed by {@link visionTables}. @param run what is appended to names and symbols, in a graph in which the encoder stands several times */
export function tableInputs(config: VisionConfig, run = ''): { rope: VisionRope; windows?: Windows } {
  const [T, M, K, W] = ['T', 'M', 'K', 'W'].map((symbol) => `${symbol}${run}`);
  const N = dim.mul(config.spatial_merge_size ** 2, M);
  const d = config.embed_dim / config.num_heads;
  const float = (name: string, dims: Dim[]) => input(`${name}${run}`, 'float32', dims), index = (name: string, dims: Dim[]) => input(`${name}${run}`, 'int64', dims);
  const table = (name: string, rows: Dim) => ({ cos: float(`${name}_cos`, [rows, d]), sin: float(`${name}_sin`, [rows, d]) });
  const rope = { space: table('space', N), time: table('time', T) };
  if (config.windowed === undefined) return { rope };
  return { rope, windows: { index: index('window_index', [M]), reverse: index('reverse_indices', [M]), slots: index('window_slots', [K, W]), places: index('window_places', [N]), bias: float('window_bias', [K, 1, W]) } };
}

/** What a vision encoder is told of clips of T frame groups of h×w patches, by the names of its inputs; windows where the model has them. */
export function visionTables([T, h, w]: Grid, config: VisionConfig): Record<string, Tensor> {
  const head_dim = config.embed_dim / config.num_heads;
  const space = spaceTables(h, w, head_dim, config.spatial_merge_size), time = timeTables(T, head_dim);
  return { space_cos: space.cos, space_sin: space.sin, time_cos: time.cos, time_sin: time.sin, ...(config.windowed && windowTables(h, w, config)) };
}

/** Language model for one conversation; prefill (P = 0) and every later step are the same graph. input_ids [1, S], visual_embeds [V, hidden_size],
 * embed_index [S], cos and sin [1, S, head_dim], attention_bias [1, 1, S, P + S], logits_index [L], past_key.i and past_value.i [1, kv, P, head_dim]
 * → logits [L, vocab_size], present_key.i and present_value.i [1, kv, S, head_dim]: the new positions alone. */
export function languageGraph({ language, config }: Pick<Qwen2VL, 'language' | 'config'>): Graph {
  const d = config.hidden_size / config.num_attention_heads;
  const past = Array.from({ length: config.num_hidden_layers }, (_, i) => {
    const cache = (name: string): Value => input(`past_${name}.${i}`, 'float32', [1, config.num_key_value_heads, 'P', d]);
    return { key: cache('key'), value: cache('value') };
  });
  const inputs = {
    input_ids: input('input_ids', 'int64', [1, 'S']),
    visual_embeds: input('visual_embeds', 'float32', ['V', config.hidden_size]),
    embed_index: input('embed_index', 'int64', ['S']),
    cos: input('cos', 'float32', [1, 'S', d]),
    sin: input('sin', 'float32', [1, 'S', d]),
    attention_bias: input('attention_bias', 'float32', [1, 1, 'S', 'P+S']),
    logits_index: input('logits_index', 'int64', ['L']),
    past,
  };
  const { logits, present } = languageModel(language, inputs, config);
  const outputs: Record<string, Value> = { logits };
  present.forEach(({ key, value }, i) => Object.assign(outputs, { [`present_key.${i}`]: key, [`present_value.${i}`]: value }));
  return graph(outputs);
}
