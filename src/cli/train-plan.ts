import type { SectionPlan, TrainPlan } from '../train/index.ts';
import { bytes, duration } from './units.ts';

const count = (n: number): string => (n < 1e6 ? n.toLocaleString('en-US', { maximumFractionDigits: 0 }) : `${(n / 1e6).toFixed(2)} M`);

/** A plan as a table of a few lines. */
export function planTable({ name, parameters, trained, steps, clips, tokens, sections, looked_at, memory, trial, no_trial }: TrainPlan): string {
  const parts = [['weights and moments', memory.state], ['an update', memory.update], ['an evaluation', memory.evaluation], ['frozen weights', memory.frozen], ['the rest', memory.base]] as const;
  const rows: [string, string][] = [
    ['run', name],
    ['weights', `${count(parameters)}${trained === parameters ? '' : `, ${count(trained)} of them trained`}`],
    ['updates', `${count(steps)} of ${count(clips)} clips${sections.length > 1 ? ' on average' : ''}`],
    ['tokens', `about ${count(steps * tokens)}, ${count(tokens)} an update (${looked_at} batches looked at)`],
    ['memory', `about ${bytes(memory.total)}: ${parts.filter(([, size]) => size > 0).map(([part, size]) => `${part} ${bytes(size)}`).join(', ')}`],
    ...(trial === undefined
      ? ([['trial', `none: ${no_trial}`]] as [string, string][])
      : ([
          ['trial', `${bytes(trial.peak)} at most, ${trial.updates} updates timed`],
          ['time', `about ${duration(trial.total)}: ${seconds(trial.update)} an update${trial.evaluation > 0 ? `, ${seconds(trial.evaluation)} an evaluation` : ''}${sections.length > 1 ? '; each lesson by updates of its own' : ''}`],
        ] as [string, string][])),
    ...(sections.length > 1 ? sections.map(sectionRow) : []),
  ];
  const width = Math.max(...rows.map(([row]) => row.length), 8) + 2;
  return rows.map(([row, value]) => `${row.padEnd(width)}${value}\n`).join('');
}

function sectionRow({ name, steps, clips, tokens, update }: SectionPlan): [string, string] {
  return [name, `${count(steps)} of ${count(clips)} clips, ${count(tokens)} tokens an update${update === undefined ? '' : `, ${seconds(update)}: ${duration(steps * update)}`}`];
}

const seconds = (s: number): string => (s < 10 ? `${s.toFixed(2)} s` : duration(s));
