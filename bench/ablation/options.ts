/** The grid that the command line asks for. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StaveError } from '../../src/errors.ts';
import { findModel } from '../../src/hub/find.ts';
import { questionKinds, type QuestionKind } from '../../src/tasks/index.ts';
import { parseAssignment } from '../../src/train/change.ts';
import { readOptions, whole } from '../command.ts';
import { labelledClips, type Clips } from '../motion10/clips.ts';
import { armsOf, runsOf, type Arm, type Run } from './arms.ts';
import { readShared } from './recipe.ts';
import type { Work } from './run.ts';
import { fingerprintOf, type Settings } from './settings.ts';

export const usage = `node bench/ablation.ts --base DIR --out DIR [options]

  --base DIR          checkpoint without temporal attention that all runs start from
  --out DIR           where all of it goes; the same command goes on there
  --plan              say what it would take, and write nothing
  --seeds LIST        (default: 1,2,3)
  --orders LIST       (default: spatial-first,temporal-first)
  --head-scales LIST  (default: 0.25,0.5,1)
  --init INIT         how temporal attention begins: normal or zero (default: normal, as stave insert)
  --rows ROWS         patch-major or frame-major (default: the family's, as stave insert)
  --recipe FILE       the stages that each run is trained by (default: bench/ablation/recipe.json)
  --set PATH=VALUE    another value for a field of it; may be given several times
  --clips N           fresh clips that each result is asked about (default: 400)
  --clip-seed TEXT    of these clips (default: ablation)
  --labels FILE       clips of your own instead: their labels.jsonl
  --kinds LIST        what is asked: ${questionKinds.join(', ')} (default: action,order,count,yesno)
  --json              the results as JSON`;

const options = {
  base: { type: 'string' }, out: { type: 'string' }, plan: { type: 'boolean', default: false }, seeds: { type: 'string', default: '1,2,3' }, orders: { type: 'string', default: 'spatial-first,temporal-first' }, 'head-scales': { type: 'string', default: '0.25,0.5,1' },
  init: { type: 'string', default: 'normal' }, rows: { type: 'string' }, recipe: { type: 'string', default: fileURLToPath(new URL('recipe.json', import.meta.url)) }, set: { type: 'string', multiple: true, default: [] as string[] },
  clips: { type: 'string', default: '400' }, 'clip-seed': { type: 'string', default: 'ablation' }, labels: { type: 'string' }, kinds: { type: 'string', default: 'action,order,count,yesno' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} as const;

export type Grid = Pick<Work, 'base' | 'out' | 'recipe' | 'insert'> & {
  arms: Arm[];
  seeds: number[];
  runs: Run[];
  kinds: readonly QuestionKind[];
  /** What each result is asked about: somebody's clips, or how many are drawn. */
  asked: Clips | { count: number; seed: string };
  settings: Settings;
};

/** undefined: the help is asked for. @throws USAGE, RECIPE, MODEL_MISSING, as opening the base and the labels does */
export async function readGrid(): Promise<{ grid: Grid; plan: boolean; json: boolean } | undefined> {
  const values = readOptions(options);
  if (values.help) return undefined;
  const base = await findModel(values.base ?? misused('base', '(nothing)', 'see --help')), out = resolve(values.out ?? misused('out', '(nothing)', 'see --help'));
  const arms = armsOf(some('orders', values.orders, ['spatial-first', 'temporal-first']), listed(values['head-scales']).map(headScale));
  const seeds = listed(values.seeds).map((text) => whole('seeds', text, 1));
  const kinds = some('kinds', values.kinds, questionKinds);
  const drawn = { count: whole('clips', values.clips, 1), seed: values['clip-seed'] };
  const insert: Grid['insert'] = { init: one('init', values.init, ['normal', 'zero']), ...(values.rows !== undefined && { rows: one('rows', values.rows, ['patch-major', 'frame-major']) }) };
  const recipe = await readShared(values.recipe, base, Object.fromEntries(values.set.map(parseAssignment)));
  const settings: Settings = { format: 'stave ablation 1', base: await fingerprintOf(base), insert, clips: { ...(values.labels === undefined ? drawn : { labels: resolve(values.labels) }), kinds }, recipe: recipe.json };
  const asked = values.labels === undefined ? drawn : ofKinds(await labelledClips(values.labels), kinds);
  return { grid: { base, out, recipe, insert, arms, seeds, runs: runsOf(arms, seeds), kinds, asked, settings }, plan: values.plan, json: values.json };
}

/** The questions of these kinds. */
export function ofKinds({ records, folder }: Clips, kinds: readonly QuestionKind[]): Clips {
  return { records: records.filter(({ kind }) => kinds.includes(kind)), folder };
}

const listed = (text: string): string[] => [...new Set(text.split(',').map((part) => part.trim()))];

function some<const T extends string>(name: string, text: string, of: readonly T[]): T[] {
  return listed(text).map((word) => one(name, word, of));
}

function one<const T extends string>(name: string, word: string, of: readonly T[]): T {
  return of.find((known) => known === word) ?? misused(name, word, `give ${of.join(' or ')}`);
}

function headScale(text: string): number {
  const scale = Number(text);
  return scale > 0 && scale <= 4 ? scale : misused('head-scales', text, 'give numbers over 0 and at most 4, for example 0.25,0.5,1');
}

function misused(name: string, text: string, fix: string): never {
  throw new StaveError('USAGE', { what: `--${name} ${text}`, fix });
}
