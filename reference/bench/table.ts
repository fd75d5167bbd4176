/** Times of several programs on one workload as tables in Markdown: each at its best, and how many times as fast ours are. */
import type { Measured } from '../../bench/shape/measure.ts';

/** What a process of a program tells. Seconds and bytes, as in bench/shape/measure.ts. */
export type Result = Pick<Measured, 'load' | 'prompt_tokens' | 'visual_tokens' | 'memory'> & {
  /** text_prefill: of a program that reads a video in many pieces, as many tokens of text in one. */
  answers: (Measured['answers'][number] & { text_prefill?: number })[];
  /** Of the program and its libraries. */
  versions?: Record<string, string>;
};

/** A program with one choice of weights, and its results so far. */
export type System = { program: string; setting: string; results: Result[] };

type Best = { name: string; vision: number; prefill: number; first_token: number; decode: number; load: number; peak: number };

/** Of the best of all rounds; memory: the most of all rounds. @param ours compared with each of the others */
export function tables(ours: readonly System[], others: readonly System[]): string {
  const own = ours.map(bestOf), theirs = others.map(bestOf);
  const compared = [...theirs, ...programs(others).flatMap((program) => bestOfEachStage(program, others) ?? [])];
  return [
    '| best of its rounds | vision s | prefill s | first token s | decode tokens/s | load s | peak GB |', '|---|---|---|---|---|---|---|',
    ...[...own, ...compared].map(({ name, vision, prefill, first_token, decode, load, peak }) => row(name, vision.toFixed(2), prefill.toFixed(2), first_token.toFixed(2), decode.toFixed(1), load.toFixed(1), (peak / 1e9).toFixed(2))),
    ...(compared.length === 0 ? [] : ['', '| so many times as fast | vision | prefill | first token | decode | memory |', '|---|---|---|---|---|---|']),
    ...own.flatMap((mine) => compared.map((other) => row(`${mine.name} : ${other.name}`, ...ratios(mine, other)))),
    ...textPrefills(others),
  ].join('\n');
}

function bestOf({ program, setting, results }: System): Best {
  const answers = results.flatMap((result) => result.answers);
  const least = (stage: 'vision' | 'prefill' | 'first_token') => Math.min(...answers.map((answer) => answer[stage]));
  return {
    name: `${program} ${setting}`, vision: least('vision'), prefill: least('prefill'), first_token: least('first_token'),
    decode: Math.max(...answers.map(({ decode }) => decode)), load: Math.min(...results.map(({ load }) => load)), peak: Math.max(...results.map(({ memory }) => memory.peak)),
  };
}

/** The hardest opponent that can be made of a program's settings, though no single one of them is so good: every stage and the memory from whichever does it best. Of one setting: none. */
function bestOfEachStage(program: string, systems: readonly System[]): Best | undefined {
  const settings = systems.filter((system) => system.program === program);
  if (settings.length < 2) return undefined;
  const each = settings.map(bestOf);
  const least = (pick: (best: Best) => number) => Math.min(...each.map(pick));
  const vision = least(({ vision }) => vision), prefill = Math.min(least(({ prefill }) => prefill), ...texts(settings));
  return { name: `${program}, the best of each stage`, vision, prefill, first_token: vision + prefill, decode: Math.max(...each.map(({ decode }) => decode)), load: least(({ load }) => load), peak: least(({ peak }) => peak) };
}

function textPrefills(systems: readonly System[]): string[] {
  return systems.flatMap((system) => {
    const times = texts([system]);
    return times.length === 0 ? [] : ['', `${system.program} ${system.setting} reads as many tokens of text alone, in one piece, in ${Math.min(...times).toFixed(2)} s.`];
  });
}

const texts = (systems: readonly System[]): number[] => systems.flatMap(({ results }) => results.flatMap(({ answers }) => answers.flatMap(({ text_prefill }) => text_prefill ?? [])));
const programs = (systems: readonly System[]): string[] => [...new Set(systems.map(({ program }) => program))];

/** Above 1: ours is faster; memory: what ours takes of theirs. */
function ratios(mine: Best, other: Best): string[] {
  const faster = [other.vision / mine.vision, other.prefill / mine.prefill, other.first_token / mine.first_token, mine.decode / other.decode];
  return [...faster.map((x) => x.toFixed(2)), `${((100 * mine.peak) / other.peak).toFixed(0)} %`];
}

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
