import { StaveError } from '../errors.ts';
import { cachedModels, hubCache, removeModel, type CachedModel } from '../hub/index.ts';
import { unknown, type Command, type Io, type Values } from './command.ts';
import { bytes } from './units.ts';

export const models: Command = {
  name: 'models',
  summary: 'List the models in the Hugging Face cache, or remove one',
  args: [
    { name: 'remove', help: 'takes a model out of the cache, with all its revisions', optional: true },
    { name: 'OWNER/NAME', help: 'which one', optional: true },
  ],
  options: {
    yes: { type: 'boolean', short: 'y', help: 'remove without asking' },
    json: { type: 'boolean', help: 'one line of JSON per model and commit' },
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
  const found = await cachedModels();
  if (values.json) for (const model of found) stdout.write(`${JSON.stringify(model)}\n`);
  else if (found.length > 0) stdout.write(table(found));
  else stderr.write(`no models in ${hubCache()}\n→ stave pull OWNER/NAME fetches one\n`);
}

function table(found: readonly CachedModel[]): string {
  const rows = found.map(({ id, commit, revisions, size, architecture, runnable, why }) => [
    id,
    revisions.length > 0 ? revisions.join(', ') : '-',
    commit?.slice(0, 8) ?? '-',
    bytes(size),
    architecture ?? '-',
    runnable ? 'ready' : why!,
  ]);
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]))).join('  ')}\n`).join('');
}

/** @returns 1 when the answer was no */
async function remove(id: string, values: Values, { stdout, confirm }: Io): Promise<number | void> {
  const there = (await cachedModels()).filter((model) => model.id === id);
  if (!values.yes && there.length > 0) {
    const size = bytes(there.reduce((sum, model) => sum + model.size, 0));
    if (confirm === undefined) throw new StaveError('USAGE', { what: `${id} (${size}) is removed only when somebody says so, and nobody can be asked here`, fix: 'add --yes' });
    if (!(await confirm(`Remove ${id} (${size}, ${there.length === 1 ? 'one revision' : `${there.length} revisions`}) from ${hubCache()}?`))) return 1;
  }
  const freed = await removeModel(id);
  stdout.write(values.json ? `${JSON.stringify({ id, freed })}\n` : `${id} removed, ${bytes(freed)} free again\n`);
}
