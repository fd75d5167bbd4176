/** Trials are kept: a device is tried out once for each driver, each version of stave and engine, and each sort of model. */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheFolder, type Environment } from '../../files/cache.ts';
import { makeFolder } from '../../files/folder.ts';
import { staveVersion, versionOf } from '../../files/version.ts';
import { list, writeError, writeWhole } from '../../files/write.ts';
import type { Device } from '../../runtime/index.ts';
import { driverOf } from './driver.ts';
import type { Sort } from './self-test.ts';
import { tryDevice, type DeviceTrial, type DeviceTrialOptions } from './trial.ts';

export type KeptTrialOptions = DeviceTrialOptions & { env?: Environment };

type Kept = { device: Device; sort: Sort; date: string; trial: DeviceTrial };

const trialsFolder = (env?: Environment): string => join(cacheFolder(env), 'devices');

/** As tryDevice(), or what that gave before. That a device is absent is not kept: it is soon found out, and ends when something is installed; nor is a trial that something else ended. @throws the signal's reason */
export async function keptTrial(device: Device, sort: Sort, { env, ...options }: KeptTrialOptions = {}): Promise<DeviceTrial> {
  const folder = trialsFolder(env);
  const made = [device, sort, staveVersion(), versionOf('onnxruntime-node'), process.versions.node, await driverOf(device)];
  const file = join(folder, `${device}-${createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 16)}.json`);
  const kept = await readKept(file);
  if (kept !== undefined) return kept.trial.result === 'wrong' ? { ...kept.trial, why: `${kept.trial.why} (seen on ${kept.date.slice(0, 10)}; "stave doctor" tries again)` } : kept.trial;
  const trial = await tryDevice(device, sort, options);
  if (trial.result === 'right' || (trial.result === 'wrong' && !trial.passing)) await keep(folder, file, { device, sort, date: new Date().toISOString(), trial });
  return trial;
}

/** Forgets a device's trials, so that it is tried out again. @throws IO when the cache can't be changed */
export async function forgetTrials(device: Device, env?: Environment): Promise<void> {
  for (const file of await list(trialsFolder(env)))
    if (basename(file).startsWith(`${device}-`)) await rm(file, { force: true }).catch((cause: unknown) => { throw writeError(file, cause); });
}

async function readKept(file: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Kept;
  } catch {
    return undefined; // none, or one that is damaged: tried out again
  }
}

/** Where the cache can't be written, the next start tries again: slower, and else the same. */
async function keep(folder: string, file: string, kept: Kept): Promise<void> {
  try {
    await makeFolder(folder);
    await writeWhole(file, `${JSON.stringify(kept, null, 1)}\n`);
  } catch {}
}
