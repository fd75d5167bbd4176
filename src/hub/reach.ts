/** Whether the Hub is there, for who wants to know before a pull. */
import { send } from './http.ts';
import { checkStatus } from './refusals.ts';
import { retrying } from './retry.ts';
import type { HubSettings } from './settings.ts';

export type Reached = { seconds: number; /** What it thinks of the token. */ account: 'none' | 'accepted' | 'refused' | 'unknown' };

/** One request, without a token for a small list that everyone may see, with one about its account. @throws HUB_UNREACHABLE, HUB_CORRUPT, the signal's reason */
export async function reachHub(hub: HubSettings, signal: AbortSignal): Promise<Reached> {
  const started = performance.now();
  const url = `${hub.endpoint}/api/${hub.token === undefined ? 'models?limit=1' : 'whoami-v2'}`;
  const status = await retrying(async () => {
    const reply = await send(hub, { method: 'GET', url, elsewhere: true, signal });
    await reply.discard();
    if (![401, 403, 404].includes(reply.status)) checkStatus(reply, hub, { id: '', revision: '' });
    return reply.status;
  }, { signal, pauses: [] });
  const account = hub.token === undefined ? 'none' : status === 200 ? 'accepted' : status === 404 ? 'unknown' : 'refused'; // a mirror may know models alone
  return { seconds: (performance.now() - started) / 1000, account };
}
