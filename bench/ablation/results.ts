/** What came out of a grid, in numbers and as a table. */
import type { Score } from '../../src/tasks/index.ts';
import type { Evaluation, RunResult, StageResult } from './run.ts';
import type { Settings } from './settings.ts';

export type Results = { command: string; machine: { cpu: string; threads: number; node: string }; settings: Settings; /** The unchanged base. */ base: Evaluation; runs: RunResult[]; /** Runs that are not finished. */ left: number };

export type Spread = { mean: number; /** Of the sample; absent: there is one value. */ deviation?: number };

export function spread(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length < 2) return { mean };
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)) };
}

/** One number of an evaluation, in percent. */
export type Measure = { name: string; of(evaluation: Evaluation): Score };

/** All questions, each kind that is asked, and how often a clip played backwards is told to be the opposite. */
export function measuresOf({ fresh, reversed }: Evaluation): Measure[] {
  const kinds = Object.keys(fresh.kinds) as (keyof typeof fresh.kinds)[];
  return [
    { name: 'all', of: (evaluation) => evaluation.fresh.overall },
    ...kinds.map((kind): Measure => ({ name: kind, of: (evaluation) => evaluation.fresh.kinds[kind]! })),
    ...(reversed.overall.total > 0 ? [{ name: 'reversed', of: (evaluation: Evaluation) => evaluation.reversed.opposites }] : []),
  ];
}

/** Arms in the order of their first run. */
export function byArm(runs: readonly RunResult[]): [arm: string, runs: RunResult[]][] {
  return [...Map.groupBy(runs, ({ arm }) => arm)];
}

export const percentOf = (measure: Measure, evaluation: Evaluation): number => 100 * measure.of(evaluation).accuracy;

/** Points by which an arm is above LoRA alone in all questions, seed by seed; empty: no seed has both. */
export function aboveLora(runs: readonly RunResult[], arm: string): number[] {
  return runs.filter((run) => run.arm === arm).flatMap((run) => {
    const lora = runs.find((other) => other.arm === 'LoRA alone' && other.seed === run.seed);
    return lora === undefined ? [] : [100 * (run.evaluation.fresh.overall.accuracy - lora.evaluation.fresh.overall.accuracy)];
  });
}

/** Markdown. */
export function resultsTable({ command, machine, settings, base, runs, left }: Results): string {
  const measures = measuresOf(base);
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  return [
    `\`${command}\`, ${machine.cpu}, ${machine.threads} threads, Node ${machine.node}; base ${settings.base}; seeds ${seeds.join(', ')}${left > 0 ? `; ${left} runs are yet to come` : ''}`, '',
    ...head('right, %', [...measures.map(({ name }) => name), 'above LoRA alone']),
    row('questions', [...measures.map((measure) => measure.of(base).total), '']),
    row('base as it is', [...measures.map((measure) => percentOf(measure, base).toFixed(1)), '']),
    ...byArm(runs).map(([arm, of]) => row(arm, [...measures.map((measure) => show(of.map(({ evaluation }) => percentOf(measure, evaluation)))), arm === 'LoRA alone' ? '' : show(aboveLora(runs, arm))])), '',
    `Mean ± standard deviation over seeds, in percent; \`reversed\`: the same clips backwards, and the opposite action named; \`above LoRA alone\`: points in \`all\`, seed by seed.`, '',
    ...head('cost of training', ['updates', 'clips', 'weights trained', 'seconds of a median update', 'minutes of updates']),
    ...byArm(runs).map(([arm, of]) => {
      const [{ stages }] = of;
      const each = (cell: (stage: StageResult, i: number) => string) => stages.map(cell).join(' + ');
      return row(arm, [each(({ updates }) => String(updates)), each(({ clips }) => String(clips)), each(({ trained }) => `${(trained / 1e6).toFixed(3)} M`), each((_, i) => spread(of.map((run) => run.stages[i].median)).mean.toFixed(3)), spread(of.map((run) => run.stages.reduce((sum, { seconds }) => sum + seconds, 0) / 60)).mean.toFixed(1)]);
    }),
    '',
  ].join('\n');
}

const row = (name: string, cells: readonly (string | number)[]): string => `| ${[name, ...cells].join(' | ')} |`;
const head = (name: string, cells: readonly string[]): string[] => [row(name, cells), `|${'---|'.repeat(cells.length + 1)}`];

/** `95.2 ± 0.4`, of one value `95.2`, of none `-` */
function show(values: readonly number[]): string {
  if (values.length === 0) return '-';
  const { mean, deviation } = spread(values);
  return `${mean.toFixed(1)}${deviation === undefined ? '' : ` ± ${deviation.toFixed(1)}`}`;
}
