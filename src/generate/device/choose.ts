import { StaveError } from '../../errors.ts';
import type { Device } from '../../runtime/index.ts';
import { keptTrial } from './kept-trial.ts';
import type { Sort } from './self-test.ts';
import type { DeviceTrial, DeviceTrialOptions } from './trial.ts';

/** `auto`: cuda or webgpu, the first that passes its self-test and is faster than the processor, else the processor. */
export const deviceChoices = ['auto', 'cpu', 'webgpu', 'cuda'] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

/** Where a model runs. */
export type DeviceInfo = {
  asked: DeviceChoice;
  used: Device;
  /** Why the device asked for is not used or, of `auto`, why those that come before the one used are not; null: nothing to say. */
  why: string | null;
};

/** What it takes for a device to be there. */
const needs: Record<Exclude<Device, 'cpu'>, string> = {
  webgpu: 'install a driver for Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS)',
  cuda: "install CUDA 12, cuDNN 9 and onnxruntime's CUDA libraries (Linux, x64; docs/devices.md says how)",
};

/** @throws USAGE for a device that stave does not know */
export function parseDevice(asked: string): DeviceChoice {
  const known = deviceChoices.find((name) => name === asked);
  if (known === undefined) throw new StaveError('USAGE', { what: `there is no device ${JSON.stringify(asked)}`, fix: `give one of ${deviceChoices.join(', ')}` });
  return known;
}

/** Chooses where a model runs: on a device only once a small model of its sort has given the same numbers there as on the processor. Where a device is there and does not pass, the processor takes over.
 * @param sortOf of the model: known once its files are open  @param trial how a device does  @throws DEVICE for one that was asked for by name and is not there; the signal's reason */
export async function chooseDevice(asked: DeviceChoice, sortOf: () => Promise<Sort>, options: DeviceTrialOptions = {}, trial: typeof keptTrial = keptTrial): Promise<DeviceInfo> {
  if (asked === 'cpu') return { asked, used: 'cpu', why: null };
  const sort = await sortOf();
  const against: string[] = [];
  for (const device of asked === 'auto' ? (['cuda', 'webgpu'] as const) : [asked]) {
    const tried = await trial(device, sort, options);
    if (tried.result === 'absent' && asked === device) throw new StaveError('DEVICE', { what: `${device} cannot be used on this machine`, why: tried.why, fix: `${needs[device]}; or use the device cpu` });
    const reason = asked === 'auto' ? objection(tried) : tried.result === 'right' ? undefined : tried.why;
    if (reason === undefined) return { asked, used: device, why: against.length > 0 ? against.join('; ') : null };
    against.push(`${device}: ${reason}`);
  }
  return { asked, used: 'cpu', why: against.join('; ') };
}

/** What speaks against a device that nobody named. */
function objection(tried: DeviceTrial): string | undefined {
  if (tried.result !== 'right') return tried.why;
  return tried.faster > 1 ? undefined : `slower than the processor, ${(1 / tried.faster).toFixed(1)} times`;
}
