/** The model that --model, --weights, --device, --adapter and --threads name, for the commands that ask it. */
import { deviceChoices, load, type DeviceChoice, type DeviceInfo, type LoadOptions, type VideoModel } from '../generate/index.ts';
import { typesText } from '../models/weight-types.ts';
import { modelDir, threads } from './ask-options.ts';
import { choice, string, type Io, type Option, type Values } from './command.ts';
import { Progress, waiting } from './progress.ts';
import { bytes, duration } from './units.ts';

export const weightsOption: Record<string, Option> = {
  weights: { type: 'string', value: 'TYPE', help: 'auto, f32, f16, int8, w8a8, int4, or types of parts like vision:int8,language:int4; a converted copy is made once (default auto: small models as they are, large ones in 8 or 4 bits)' },
};

export const deviceOption: Record<string, Option> = {
  device: { type: 'string', value: 'DEVICE', help: 'where the model runs: cpu, webgpu, cuda, or auto: cuda or webgpu if one passes its self-test and is faster, else the processor (default cpu)' },
};

export const device = (values: Values): DeviceChoice | undefined => choice(values, 'device', deviceChoices);

/** Says why a model does not run where it was wished to. */
function tellDevice(stderr: Io['stderr'], { asked, used, why }: DeviceInfo): void {
  if (why !== null) stderr.write(`${asked === 'auto' || used !== 'cpu' ? `runs on ${used === 'cpu' ? 'the processor' : used}` : `${asked} is not used, the processor does its work`}: ${why}\n`);
}

/** Loads it, and shows what takes long. @param reuse bytes kept for later questions; absent: the default */
export async function loadModel(values: Values, { stderr, signal }: Io, { reuse }: { reuse?: number } = {}): Promise<VideoModel> {
  using told = loading(stderr);
  return await load(modelDir(values), { threads: threads(values), adapter: string(values, 'adapter'), weights: string(values, 'weights'), device: device(values), reuse, signal, ...told });
}

/** What load() tells of, on the terminal: how far a conversion of weights is, that a device is tried out, why one is not used. Dispose it when the model is there or failed. */
export function loading(stderr: Io['stderr']): Required<Pick<LoadOptions, 'onConvert' | 'onTrial' | 'onDevice'>> & Disposable {
  const progress = new Progress(stderr, { every: 30 });
  const started = performance.now();
  let trying: Disposable | undefined;
  const tried = (): void => trying?.[Symbol.dispose]();
  return {
    onConvert: ({ types, waiting: who, ...p }) => progress.show(who === undefined ? `weights to ${typesText(types)}, once: ${conversionLine(p, started)}` : `${who} converts the weights; waiting for it`),
    onTrial: (device) => {
      tried();
      trying = waiting(stderr, `trying out ${device}, once`, { every: 30 });
    },
    onDevice: (info) => {
      tried();
      tellDevice(stderr, info);
    },
    [Symbol.dispose]: () => {
      tried();
      progress.clear();
    },
  };
}

/** @param started by performance.now() */
export function conversionLine({ done, total }: { done: number; total: number }, started: number): string {
  const seconds = (performance.now() - started) / 1000;
  return `${bytes(done)} of ${bytes(total)} converted${seconds > 2 ? `, ETA ${duration(((total - done) * seconds) / done)}` : ''}`;
}
