/** The model that --model, --weights, --device, --adapter and --threads name, for the commands that ask it. */
import { deviceChoices, load, type DeviceChoice, type DeviceInfo, type VideoModel, type WeightsOptions } from '../generate/index.ts';
import { typesText } from '../models/weight-types.ts';
import { modelDir, threads } from './ask-options.ts';
import { choice, string, type Io, type Option, type Values } from './command.ts';
import { Progress } from './progress.ts';
import { bytes, duration } from './units.ts';

export const weightsOption: Record<string, Option> = {
  weights: { type: 'string', value: 'TYPE', help: 'auto, f32, f16, int8, w8a8, int4, or types of parts like vision:int8,language:int4; a converted copy is made once (default auto: small models as they are, large ones in 8 or 4 bits)' },
};

export const deviceOption: Record<string, Option> = {
  device: { type: 'string', value: 'DEVICE', help: 'where the model runs: cpu, webgpu, cuda, or auto: cuda or webgpu if one passes its self-test and is faster, else the processor (default cpu)' },
};

export const device = (values: Values): DeviceChoice | undefined => choice(values, 'device', deviceChoices);

/** Says why a model does not run where it was wished to. */
export const onDevice = (stderr: Io['stderr']) => ({ asked, used, why }: DeviceInfo): void => {
  if (why !== null) stderr.write(`${asked === 'auto' || used !== 'cpu' ? `runs on ${used === 'cpu' ? 'the processor' : used}` : `${asked} is not used, the processor does its work`}: ${why}\n`);
};

/** Loads it; a conversion that this takes shows how far it is. @param reuse bytes kept for later questions; absent: the default */
export async function loadModel(values: Values, { stderr, signal }: Io, { reuse }: { reuse?: number } = {}): Promise<VideoModel> {
  using converting = conversion(stderr);
  return await load(modelDir(values), { threads: threads(values), adapter: string(values, 'adapter'), weights: string(values, 'weights'), device: device(values), reuse, signal, onConvert: converting.onConvert, onDevice: onDevice(stderr) });
}

/** Shows the progress of a conversion, until it is disposed. */
export function conversion(stderr: Io['stderr']): Required<Pick<WeightsOptions, 'onConvert'>> & Disposable {
  const progress = new Progress(stderr, { every: 30 });
  const started = performance.now();
  return {
    onConvert: ({ types, waiting, ...p }) => progress.show(waiting === undefined ? `weights to ${typesText(types)}, once: ${conversionLine(p, started)}` : `${waiting} converts the weights; waiting for it`),
    [Symbol.dispose]: () => progress.clear(),
  };
}

/** @param started by performance.now() */
export function conversionLine({ done, total }: { done: number; total: number }, started: number): string {
  const seconds = (performance.now() - started) / 1000;
  return `${bytes(done)} of ${bytes(total)} converted${seconds > 2 ? `, ETA ${duration(((total - done) * seconds) / done)}` : ''}`;
}
