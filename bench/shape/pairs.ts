/** One process with a shape's vision encoder with temporal attention and without, which encode the same clip by turns; its result is one line of JSON. Only runs that follow each other compare: a machine's
 * own speed changes from minute to minute, and from process to process. */
import { randomFillSync } from 'node:crypto';
import { encodeVisual } from '../../src/generate/encoder.ts';
import { normalisation, openQwen2VL, patchValues, visionParts } from '../../src/models/qwen2vl/index.ts';
import { Runtime } from '../../src/runtime/index.ts';

/** Directories of both. */
export type PairTask = { sta: string; base: string; threads: number; frames: number; pairs: number };

/** Seconds, of each pair; the first run of each encoder, which takes memory, is not among them. */
export type Pairs = { sta: number[]; base: number[] };

export async function measurePairs({ sta, base, threads, frames, pairs }: PairTask): Promise<Pairs> {
  await using runtime = await Runtime.create({ threads });
  const encoders = { sta: await encoder(runtime, sta, frames), base: await encoder(runtime, base, frames) };
  const seconds: Pairs = { sta: [], base: [] };
  for (let i = 0; i <= pairs; i++)
    for (const name of i % 2 === 0 ? (['sta', 'base'] as const) : (['base', 'sta'] as const)) { // neither is always the one behind
      const start = performance.now();
      await encoders[name]();
      if (i > 0) seconds[name].push((performance.now() - start) / 1000);
    }
  return seconds;
}

/** Encodes a clip of noise, frames of 224×308. */
async function encoder(runtime: Runtime, dir: string, frames: number): Promise<() => Promise<unknown>> {
  const model = await openQwen2VL(dir, { packed: true });
  await model.weights.close();
  const program = await runtime.compile(visionParts(model));
  const [t, h, w] = [Math.ceil(frames / 2), 16, 22];
  const pixel_values = randomFillSync(new Uint8Array(t * h * w * patchValues(model.config.vision_config)));
  return () => encodeVisual(program, model.config, [{ kind: 'video', grid: [t, h, w], pixel_values, normalisation: normalisation(model.video_preprocessor) }]);
}

/** What temporal attention adds: of the medians, and of the pairs the median and the range. */
export function pairsText({ sta, base }: Pairs): string {
  const ratios = sta.map((seconds, i) => seconds / base[i]).toSorted((a, b) => a - b);
  return `with STA ${middle(sta).toFixed(3)} s, without ${middle(base).toFixed(3)} s (medians of ${sta.length}): temporal attention adds ${added(middle(sta) / middle(base))}; pair by pair ${added(middle(ratios))}, from ${added(ratios[0])} to ${added(ratios.at(-1)!)}`;
}

const added = (ratio: number): string => `${(100 * (ratio - 1)).toFixed(1)} %`;

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

if (import.meta.main) console.log(JSON.stringify(await measurePairs(JSON.parse(process.argv[2]) as PairTask)));
