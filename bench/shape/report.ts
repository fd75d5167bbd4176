/** What was measured, beside what the machine can do: as data and as a table. */
import type { Grid, Qwen2VLConfig } from '../../src/models/qwen2vl/index.ts';
import { bitsOf, type Part } from '../../src/models/weight-types.ts';
import type { Limits } from './limits.ts';
import type { Measured } from './measure.ts';
import { typesOfSetting } from './settings.ts';
import { cacheBytes, decodeBytes, prefillFlops, visionFlops } from './work.ts';

/** weights: a setting of --weights */
export type Case = { sta: boolean; frames: number; weights: string };

/** Seconds, but `decode`: tokens a second. Of all clips of all processes. */
type Spread = { best: number; median: number; all: number[] };

export type Summary = Case & {
  grid: Grid;
  prompt_tokens: number;
  visual_tokens: number;
  load: Spread;
  vision: Spread;
  prefill: Spread;
  first_token: Spread;
  decode: Spread;
  /** Another question on the last clip: seconds to the first token, and as a part of the clip's first question. */
  second_question: { first_token: number; of_first: number };
  /** Bytes. */
  memory: Measured['memory'];
  /** What the best run reached of the machine's best: operations a second, bytes a second, and the parts. */
  reached: { vision: Rate; prefill: Rate; decode: Rate };
};

/** `rate`: operations or bytes a second; `of_limit`: 1 is all that the machine can do. */
type Rate = { rate: number; of_limit: number };

export type Report = {
  command: string;
  date: string;
  machine: { cpu: string; cores: number; memory: number; threads: number; load: number; platform: string; node: string; onnxruntime: string };
  shape: string;
  /** Of an answer. */
  tokens: number;
  /** Before the first round and after each. */
  limits: Limits[];
  cases: Summary[];
};

export function summary(config: Qwen2VLConfig, each: Case, measured: readonly Measured[], limits: readonly Limits[]): Summary {
  const [{ grid, prompt_tokens, visual_tokens }] = measured;
  const answers = measured.flatMap((process) => process.answers);
  const of = (name: keyof (typeof answers)[number], best: 'least' | 'most' = 'least') => spread(answers.map((answer) => answer[name]), best);
  const [vision, prefill, decode] = [of('vision'), of('prefill'), of('decode', 'most')];
  const limit = (name: 'fp32' | 'int8' | 'read') => Math.max(...limits.map((at) => at[name]));
  const types = typesOfSetting(each.weights);
  const products = (part: Part) => (bitsOf(types[part]) === undefined ? 'fp32' : 'int8'); // the kernels of 4 bits round activations to 8 and multiply whole numbers, too
  const bytesPerToken = decodeBytes(config, types) + cacheBytes(config, prompt_tokens);
  const seconds = measured.map(({ second, answers }) => ({ first_token: second.first_token, of_first: second.first_token / answers.at(-1)!.first_token }));
  return {
    ...each, grid, prompt_tokens, visual_tokens, vision, prefill, decode,
    load: spread(measured.map(({ load }) => load), 'least'),
    first_token: of('first_token'),
    second_question: seconds.toSorted((a, b) => a.of_first - b.of_first)[seconds.length >> 1],
    memory: { loaded: Math.max(...measured.map(({ memory }) => memory.loaded)), peak: Math.max(...measured.map(({ memory }) => memory.peak)) },
    reached: {
      vision: rate(visionFlops(config, grid) / vision.best, limit(products('vision'))),
      prefill: rate(prefillFlops(config, prompt_tokens) / prefill.best, limit(products('language'))),
      decode: rate(bytesPerToken * decode.best, limit('read')),
    },
  };
}

function spread(values: number[], best: 'least' | 'most'): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { best: best === 'least' ? sorted[0] : sorted.at(-1)!, median: sorted[sorted.length >> 1], all: values };
}

/** Markdown. */
export function report({ command, machine, shape, limits, cases, tokens }: Report): string {
  const giga = (name: 'fp32' | 'int8' | 'read') => limits.map((at) => (at[name] / 1e9).toFixed(at[name] < 1e11 ? 1 : 0)).join(', ');
  return [
    `${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 1e9).toFixed(0)} GB, ${machine.threads} threads, load ${machine.load.toFixed(1)}, ${machine.platform}, Node ${machine.node}, onnxruntime ${machine.onnxruntime}`,
    `\`${command}\``,
    `The machine at best, before and after each round: ${giga('fp32')} GFLOP/s in fp32, ${giga('int8')} GOP/s in u8·s8, reading ${giga('read')} GB/s`, '',
    '| ' + [shape, 'prompt tokens', 'load s', 'vision s', 'prefill s', 'first token s', 'decode tokens/s', '2nd question s', 'peak GB'].join(' | ') + ' |',
    `|${'---|'.repeat(9)}`,
    ...cases.map((c) => '| ' + [name(c), c.prompt_tokens, both(c.load), both(c.vision), both(c.prefill), both(c.first_token), both(c.decode, 1), `${c.second_question.first_token.toFixed(2)} (${percent(c.second_question.of_first)})`, (c.memory.peak / 1e9).toFixed(2)].join(' | ') + ' |'),
    '', `Best / median; ${tokens - 1} tokens decoded after the first.`, '',
    `| of the machine's best | vision | prefill | decode |`, '|---|---|---|---|',
    ...cases.map((c) => `| ${name(c)} | ${[c.reached.vision, c.reached.prefill].map(({ rate, of_limit }) => `${percent(of_limit)} (${(rate / 1e9).toFixed(0)} G/s)`).join(' | ')} | ${percent(c.reached.decode.of_limit)} (${(c.reached.decode.rate / 1e9).toFixed(1)} GB/s) |`),
    ...cases.flatMap((c) => comparison(c, cases)),
  ].join('\n');
}

/** What temporal attention costs. */
function comparison(c: Summary, cases: readonly Summary[]): string[] {
  const base = cases.find((other) => c.sta && !other.sta && other.frames === c.frames && other.weights === c.weights);
  if (base === undefined) return [];
  const share = (pick: (spread: Spread) => number) => `${(100 * (pick(c.vision) / pick(base.vision) - 1)).toFixed(1)} %`;
  return ['', `Temporal attention adds ${share((s) => s.best)} to the best vision time of ${c.frames} frames (${c.weights}), ${share((s) => s.median)} to the median.`];
}

function rate(value: number, most: number): Rate {
  return { rate: value, of_limit: value / most };
}

function both({ best, median }: Spread, digits = 2): string {
  return `${best.toFixed(digits)} / ${median.toFixed(digits)}`;
}

const percent = (x: number): string => `${(100 * x).toFixed(0)} %`;
const name = ({ sta, frames, weights }: Case): string => `${frames} frames, ${weights}, ${sta ? 'with STA' : 'no STA'}`;
