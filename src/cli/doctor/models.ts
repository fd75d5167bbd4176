/** Where models come from: the cache, and the Hub if that is asked for. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cachedModels, hubCache, hubSettings, reachHub } from '../../hub/index.ts';
import { bytes } from '../units.ts';
import { checking } from './finding.ts';

export const checkCache = checking('cache', async () => {
  const cache = hubCache();
  const models = await cachedModels();
  const ready = models.filter(({ runnable }) => runnable).length;
  const found = models.length === 0 ? `${cache}: no models yet` : `${cache}: ${models.length} ${models.length === 1 ? 'model' : 'models'}, ${bytes(models.reduce((sum, { size }) => sum + size, 0))}, ${ready} ready for stave`;
  const begun = models.filter(({ commit }) => commit === null);
  if (!(await mayWrite(cache))) return { status: 'warn', found: `${found}; it cannot be written to`, fix: '"stave pull" needs that: change its permissions, or set HF_HUB_CACHE to a folder of yours' };
  if (begun.length > 0) return { status: 'warn', found, fix: `${begun.map(({ id }) => id).join(', ')} is not whole: "stave pull ${begun[0].id}" goes on, "stave models remove ${begun[0].id}" makes room` };
  return { status: 'ok', found };
});

/** Whether a folder can be written to, or made. */
async function mayWrite(folder: string): Promise<boolean> {
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined && dirname(folder) !== folder) return mayWrite(dirname(folder));
  return there?.isDirectory() === true && access(folder, constants.W_OK | constants.X_OK).then(() => true, () => false);
}

export const checkHub = checking('hub', async (signal) => {
  const hub = await hubSettings();
  const { seconds, account } = await reachHub(hub, signal);
  const found = `${hub.endpoint} answered in ${seconds.toFixed(2)} s`;
  if (account === 'refused') return { status: 'warn', found: `${found}, but does not accept the token`, fix: `make another at ${hub.endpoint}/settings/tokens and set HF_TOKEN to it, or unset it` };
  return { status: 'ok', found: `${found}, ${account === 'none' ? 'no token is set' : account === 'unknown' ? 'it does not say whether it accepts the token' : 'it accepts the token'}` };
});
