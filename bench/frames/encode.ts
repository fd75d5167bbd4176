/** One process that encodes one clip of noise; its result is one line of JSON. */
import { randomFillSync } from 'node:crypto';
import { encodeVisual } from '../../src/generate/encoder.ts';
import { normalisation, openQwen2VL, patchValues, visionParts } from '../../src/models/qwen2vl/index.ts';
import { Runtime } from '../../src/runtime/index.ts';

export type Task = { dir: string; frames: number; /** See EncodeOptions. */ bytes?: number };

/** Wall clock and processor time in seconds; largest resident sizes in bytes. */
export type Encoded = { seconds: number; cpu: number; loaded: number; peak: number };

const peakMemory = (): number => process.resourceUsage().maxRSS * 1024;
const cpuTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const { dir, frames, bytes } = JSON.parse(process.argv[2]) as Task;
const model = await openQwen2VL(dir);
await model.weights.close();
await using runtime = await Runtime.create();
const program = await runtime.compile(visionParts(model));
const loaded = peakMemory();
const [t, h, w] = [Math.ceil(frames / 2), 16, 22];
const pixel_values = new Uint8Array(t * h * w * patchValues(model.config.vision_config));
for (let at = 0; at < pixel_values.length; at += 1 << 20) randomFillSync(pixel_values, at, Math.min(1 << 20, pixel_values.length - at));
const [start, used] = [performance.now(), cpuTime()];
await encodeVisual(program, model.config, [{ kind: 'video', grid: [t, h, w], pixel_values, normalisation: normalisation(model.video_preprocessor) }], { bytes, transfer: true });
process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - start) / 1000, cpu: cpuTime() - used, loaded, peak: peakMemory() } satisfies Encoded)}\n`);
