import { compareRuns, type Comparison, type Flip, type RunComparison } from '../eval/index.ts';
import { number, type Command } from './command.ts';

export const compare: Command = {
  name: 'compare',
  summary: 'Compare two runs of stave eval: differences, their uncertainty, answers that flipped',
  args: [
    { name: 'RUN_A', help: 'the --output of a finished stave eval' },
    { name: 'RUN_B', help: 'another, on the same tasks' },
  ],
  options: {
    flips: { type: 'string', value: 'N', default: '10', help: 'show the first N answers that are right in one run alone' },
    json: { type: 'boolean', help: 'print everything, all flipped answers too, as one line of JSON' },
  },
  examples: ['stave compare runs/a runs/b', 'stave compare runs/a runs/b --flips 100'],
  async run([a, b], values, { stdout }) {
    const shown = number(values, 'flips', { min: 0, integer: true })!;
    const comparison = await compareRuns(a, b);
    if (values.json) stdout.write(`${JSON.stringify(comparison)}\n`);
    else stdout.write(`${table(comparison, [a, b])}${flipped(comparison.flips, shown)}`);
  },
};

const signed = (n: number): string => `${n > 0 ? '+' : ''}${n.toFixed(1)}`;

/** A line of the table. */
function cells({ name, category, questions, a, b, difference, interval: [low, high], onlyA, onlyB, p }: Comparison): string[] {
  const what = category === undefined ? name : `  ${category.kind}: ${category.name}`;
  return [what, String(questions), a.toFixed(1), b.toFixed(1), signed(difference), `${signed(low)} to ${signed(high)}`, String(onlyA), String(onlyB), p < 0.001 ? '<0.001' : p.toFixed(3)];
}

/** A line per task, category and group. @param folders of both runs: models are often of one name */
function table({ a, b, protocol, rows, unpaired, alone }: RunComparison, folders: readonly [string, string]): string {
  const all = [[`protocol ${protocol}`, 'n', 'A %', 'B %', 'B − A', '95 % interval', 'only A', 'only B', 'McNemar p'], ...rows.map(cells)];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const text = all.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ')).join('\n');
  const notes = [`A: ${folders[0]}, ${a.name} (${a.fingerprint})`, `B: ${folders[1]}, ${b.name} (${b.fingerprint})`, ...(unpaired > 0 ? [`${unpaired} questions have an answer in one run alone and are left out`] : []), ...only('A', alone.a), ...only('B', alone.b)];
  return `${notes.join('\n')}\n\n${text}\n`;
}

const only = (run: string, tasks: readonly string[]): string[] => (tasks.length === 0 ? [] : [`not compared, as ${run} alone has ${tasks.length === 1 ? 'it' : 'them'}: ${tasks.join(', ')}`]);

function flipped(flips: readonly Flip[], shown: number): string {
  if (flips.length === 0) return '\nno answer flipped\n';
  const lines = flips.slice(0, shown).map(({ task, id, target, a, b, gained }) => `${gained ? 'B right' : 'A right'}  ${task} row ${id}: ${JSON.stringify(target)}; A: ${JSON.stringify(a)}, B: ${JSON.stringify(b)}`);
  const gained = flips.filter((flip) => flip.gained).length;
  return `\n${flips.length} answers flipped: ${gained} right in B alone, ${flips.length - gained} in A alone\n${lines.map((text) => `${text}\n`).join('')}`;
}
