import { relative } from 'node:path';
import { listRuns, type RunSummary } from '../train/index.ts';
import { percent } from '../pages/percent.ts';
import { columns } from './columns.ts';
import type { Command } from './command.ts';
import { duration } from './units.ts';

export const runs: Command = {
  name: 'runs',
  summary: 'List training runs and compare them',
  args: [{ name: 'DIR', help: 'the folder in which they lie, at any depth (default: runs)', optional: true }],
  options: { json: { type: 'boolean', help: 'one line of JSON per run' } },
  examples: ['stave runs', 'stave runs experiments --json'],
  async run([folder = 'runs'], values, { stdout, stderr }) {
    const found = await listRuns(folder);
    if (values.json) for (const run of found) stdout.write(`${JSON.stringify(run)}\n`);
    else if (found.length > 0) stdout.write(`${table(found, folder)}${differences(found, folder)}`);
    else stderr.write(`no runs in ${folder}\n→ stave train RECIPE makes one\n`);
  },
};

const head = ['run', 'state', 'update', 'loss', 'held-out', 'right', 'best held-out', 'time'];

function table(found: readonly RunSummary[], folder: string): string {
  const rows = found.map((run) => [
    label(run, folder),
    run.ended === 'patience' ? `${run.state} early` : run.state,
    `${run.step}/${run.steps}`,
    run.loss?.toFixed(4) ?? '-',
    run.last?.loss.toFixed(4) ?? '-',
    run.last === null ? '-' : percent(run.last.accuracy),
    run.best === null ? '-' : `${run.metric === 'loss' ? run.best.loss.toFixed(4) : percent(run.best.accuracy)} at ${run.best.step}`,
    duration(run.seconds),
  ]);
  return columns([head, ...rows]);
}

/** A line per setting in which some runs differ. */
function differences(found: readonly RunSummary[], folder: string): string {
  const fields = Object.keys(found[0].settings);
  if (fields.length === 0) return '';
  const rows = fields.map((field) => [field, ...found.map(({ settings }) => cut(settings[field] ?? '-'))]);
  return `\n${columns([['setting', ...found.map((run) => label(run, folder))], ...rows])}`;
}

const label = ({ path }: RunSummary, folder: string): string => relative(folder, path) || '.';
const cut = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text);
