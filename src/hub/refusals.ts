/** What the Hub says no to, as errors that say what to do. */
import { StaveError } from '../errors.ts';
import type { Reply } from './http.ts';
import { printable } from './names.ts';
import { askedWait, Passing } from './retry.ts';
import type { HubSettings } from './settings.ts';

/** Statuses that say: not now. */
const later = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Of which model, at which revision, and which of its files, if one. */
export type Wanted = { id: string; revision: string; file?: string };

/** Passes an answer with one of the `good` statuses. @throws Passing, HUB_ACCESS, HUB_MISSING, HUB_UNREACHABLE */
export function checkStatus(reply: Reply, { endpoint, token }: HubSettings, { id, revision, file }: Wanted, good: readonly number[] = [200]): void {
  const { status, own, foreign } = reply;
  if (good.includes(status)) return;
  void reply.discard();
  const host = new URL(endpoint).host;
  const said = own.get('x-error-message');
  const answer = `${foreign ? 'the host that it sends on to' : host} answered ${status}${said === null ? '' : `: ${printable(said)}`}`;
  if (later.has(status) || foreign) throw new Passing(answer, { wait: askedWait(own) }); // another host's word on a signed address is not the Hub's on the model
  const page = `${endpoint}/${id}`;
  const kind = own.get('x-error-code');
  const sign = token === undefined ? 'set HF_TOKEN to a token of yours (or run "hf auth login")' : 'use a token (HF_TOKEN) of an account that may';

  if (kind === 'GatedRepo')
    throw new StaveError('HUB_ACCESS', { what: `${id} is gated: only who has agreed to its conditions may download it`, why: answer, fix: `agree to them at ${page}, then ${token === undefined ? sign : 'run the same command again, with the token of that account in HF_TOKEN'}` });
  if (status === 401 && token !== undefined && /invalid (credentials|username)|token/i.test(said ?? ''))
    throw new StaveError('HUB_ACCESS', { what: `${host} does not accept the token`, why: answer, fix: `make another at ${endpoint}/settings/tokens and set HF_TOKEN to it, or unset it for public models` });
  if (kind === 'RevisionNotFound')
    throw new StaveError('HUB_MISSING', { what: `${id} has no revision "${revision}"`, why: answer, fix: `leave out --revision, or take a branch, tag or commit from ${page}/tree/main` });
  if (kind === 'EntryNotFound' || (status === 404 && file !== undefined))
    throw new StaveError('HUB_MISSING', { what: `${id} has no file ${file === undefined ? 'there' : printable(file)} at "${revision}"`, why: answer, fix: `see ${page}/tree/main` });
  if (status === 404 || kind === 'RepoNotFound')
    throw new StaveError('HUB_MISSING', { what: `the Hub has no model ${id}, or not for everyone`, why: answer, fix: `check the name at ${page}; for a private model ${sign}` });
  if (status === 401 || status === 403)
    throw new StaveError('HUB_ACCESS', { what: `${host} does not give out ${id}`, why: answer, fix: `check the name first, the Hub answers so for names that it has not; for a private or gated model ${sign}` });
  throw new StaveError('HUB_UNREACHABLE', { what: `${host} does not answer as expected`, why: answer, fix: 'check HF_ENDPOINT; if it is right, try later' });
}
