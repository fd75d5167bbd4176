import { keptCopies, removeCopy, type KeptCopy } from '../checkpoints/index.ts';
import { StaveError } from '../errors.ts';
import { cachedModels, hubCache, removeModel, type CachedModel } from '../hub/index.ts';
import { typesText } from '../models/weight-types.ts';
import { columns } from './columns.ts';
import { unknown, type Command, type Io, type Values } from './command.ts';
import { bytes } from './units.ts';

export const models: Command = {
  name: 'models',
  summary: 'List the models in the Hugging Face cache and the converted copies that stave keeps, or remove one',
  args: [
    { name: 'remove', help: 'takes a model out of the cache, with all its revisions and copies, or one copy', optional: true },
    { name: 'OWNER/NAME', help: 'which one: a name, or the key of a copy', optional: true },
  ],
  options: {
    yes: { type: 'boolean', short: 'y', help: 'remove without asking' },
    json: { type: 'boolean', help: 'one line of JSON per model and commit, and per copy' },
  },
  examples: ['stave models', 'stave models remove Qwen/Qwen2-VL-2B-Instruct'],
  async run([action, id], values, io) {
    if (action === undefined) return list(values, io);
    if (action !== 'remove') throw unknown('argument', action, ['remove'], models);
    if (id === undefined) throw new StaveError('USAGE', { what: 'OWNER/NAME is missing: which model to remove', fix: '"stave models" lists them' });
    return remove(id, values, io);
  },
};

async function list(values: Values, { stdout, stderr }: Io): Promise<void> {
  const [found, copies] = await Promise.all([cachedModels(), keptCopies()]);
  if (values.json) for (const entry of [...found, ...copies]) stdout.write(`${JSON.stringify(entry)}\n`);
  else {
    if (found.length > 0) stdout.write(columns(found.map(modelRow)));
    if (copies.length > 0) stdout.write(`${found.length > 0 ? '\n' : ''}${columns(copies.map(copyRow))}`);
    if (found.length + copies.length === 0) stderr.write(`no models in ${hubCache()}\n→ stave pull OWNER/NAME fetches one\n`);
  }
}

const modelRow = ({ id, commit, revisions, size, architecture, runnable, why }: CachedModel): string[] => [
  id,
  revisions.length > 0 ? revisions.join(', ') : '-',
  commit?.slice(0, 8) ?? '-',
  bytes(size),
  architecture ?? '-',
  runnable ? 'ready' : why!,
];

const copyRow = ({ key, name, types, size, whole }: KeptCopy): string[] => [name === '' ? '-' : name, types === null ? '-' : typesText(types), bytes(size), whole ? 'converted copy' : 'conversion that was stopped', key];

/** A model with its copies, or one copy. @returns 1 when the answer was no */
async function remove(id: string, values: Values, io: Io): Promise<number | void> {
  const copies = await keptCopies();
  const copy = copies.find(({ key }) => key === id);
  if (copy !== undefined) {
    const what = `the copy of ${copy.name === '' ? 'a model' : copy.name}${copy.types === null ? '' : ` in ${typesText(copy.types)}`} (${bytes(copy.size)})`;
    if (!(await agreed(what, what, values, io))) return 1;
    return told(id, await removeCopy(id), values, io);
  }
  const there = (await cachedModels()).filter((model) => model.id === id);
  const made = there.length === 0 ? [] : copies.filter(({ name }) => name === id);
  if (there.length > 0) {
    const size = bytes([...there, ...made].reduce((sum, entry) => sum + entry.size, 0));
    const parts = [size, there.length === 1 ? 'one revision' : `${there.length} revisions`, ...(made.length === 0 ? [] : [made.length === 1 ? 'one converted copy' : `${made.length} converted copies`])];
    if (!(await agreed(`${id} (${size})`, `${id} (${parts.join(', ')}) from ${hubCache()}`, values, io))) return 1;
  }
  let freed = await removeModel(id);
  for (const { key } of made) freed += await removeCopy(key);
  told(id, freed, values, io);
}

/** @throws USAGE where nobody can be asked */
async function agreed(what: string, long: string, values: Values, { confirm }: Io): Promise<boolean> {
  if (values.yes) return true;
  if (confirm === undefined) throw new StaveError('USAGE', { what: `${what} is removed only when somebody says so, and nobody can be asked here`, fix: 'add --yes' });
  return confirm(`Remove ${long}?`);
}

function told(id: string, freed: number, values: Values, { stdout }: Io): void {
  stdout.write(values.json ? `${JSON.stringify({ id, freed })}\n` : `${id} removed, ${bytes(freed)} free again\n`);
}
