/** Names that become paths: of models, revisions, files. What is no such name is refused before a path is made of it. */
import { StaveError } from '../errors.ts';

/** The commit that a snapshot is named by. */
export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** `owner/name`, or a name alone as the Hub's oldest models have it; the rule of huggingface_hub's validate_repo_id. */
export function isModelId(text: string): boolean {
  return /^(?:\w(?:[\w.-]{0,94}\w)?\/)?\w(?:[\w.-]{0,94}\w)?$/.test(text) && !/--|\.\./.test(text) && !text.endsWith('.git');
}

/** @throws USAGE */
export function checkModelId(id: string): void {
  if (!isModelId(id)) throw new StaveError('USAGE', { what: `"${printable(id)}" is not the name of a model`, why: 'a name is OWNER/NAME, of letters, digits and single - _ .', fix: 'for example Qwen/Qwen2-VL-2B-Instruct' });
}

/** A branch, a tag (`v1.0`, `refs/pr/3`) or a commit. @throws USAGE */
export function checkRevision(revision: string): void {
  const parts = revision.split('/');
  if (revision.length > 200 || !/^[\w.+@/-]+$/.test(revision) || !parts.every((part) => /^\w/.test(part) && !part.endsWith('.lock') && !part.includes('..')))
    throw new StaveError('USAGE', { what: `"${printable(revision)}" is not a revision`, fix: 'give a branch, a tag or the 40 digits of a commit' });
}

/** A name and a revision in one word: `Qwen/Qwen2-VL-2B-Instruct@main`. */
export function splitName(name: string): { id: string; revision: string } {
  const at = name.indexOf('@');
  return at === -1 ? { id: name, revision: 'main' } : { id: name.slice(0, at), revision: name.slice(at + 1) };
}

/** Of a file in a model, with / between folders. Git knows no other names; one that leads out of its folder was made to do harm. @throws HUB_CORRUPT */
export function checkFileName(name: string): void {
  const parts = name.split('/');
  // eslint-disable-next-line no-control-regex -- it is them that are looked for
  if (name === '' || name.length > 1000 || /[\\:\x00-\x1f\x7f]/.test(name) || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new StaveError('HUB_CORRUPT', { what: `the Hub names a file "${printable(name)}"`, why: 'such a name can lead out of the folder of the model', fix: 'do not use this model, or this HF_ENDPOINT' });
}

/** What the Hub keeps, each kind in folders of its own. */
export type RepositoryKind = 'models' | 'datasets';

/** Folder of a model or data set in the cache. */
export const folderOf = (id: string, kind: RepositoryKind = 'models'): string => `${kind}--${id.replace('/', '--')}`;

/** The model that a folder of the cache is of; undefined: of none. */
export function idOfFolder(folder: string): string | undefined {
  const id = folder.startsWith('models--') ? folder.slice('models--'.length).replace('--', '/') : '';
  return isModelId(id) ? id : undefined;
}

/** Text that came over the network, fit for a terminal: one line, no control characters, not endless. */
export function printable(text: string, limit = 200): string {
  // eslint-disable-next-line no-control-regex -- it is them that are replaced
  const line = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, '�');
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}
