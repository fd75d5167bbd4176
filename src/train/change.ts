/** Changes to a recipe's fields by their paths, as `--set` gives them. */
import { StaveError } from '../errors.ts';

/** New values by path, such as {'optimizer.lr': 5e-5, 'stages.1.steps': 200}. What a field may hold is checked with the recipe. */
export type Changes = Readonly<Record<string, unknown>>;

type Json = Record<string, unknown> | unknown[];

/** PATH=VALUE, as `--set` takes it. What is no JSON counts as a text: quotes within quotes are a trap of every shell, and the field says whether it takes one. @throws USAGE */
export function parseAssignment(text: string): [path: string, value: unknown] {
  const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined) throw new StaveError('USAGE', { what: `--set must be PATH=VALUE, got "${text}"`, fix: 'for example --set optimizer.lr=5e-5' });
  try {
    return [path, JSON.parse(value)];
  } catch {
    return [path, value];
  }
}

/** A recipe's JSON with other values in some places; what it was given stays as it is.
 * @throws RECIPE for a path through something that is no object, past the end of a list, to a field that stages have for themselves, or to one of `model` that is not there */
export function changed(json: unknown, changes: Changes): unknown {
  const copy = structuredClone(json);
  for (const [path, value] of Object.entries(changes)) setAt(copy, path, value);
  return copy;
}

function setAt(root: unknown, path: string, value: unknown): void {
  const names = path.split('.');
  const refuse = (why: string, fix: string): never => {
    throw new StaveError('RECIPE', { what: `the path "${path}" leads nowhere`, why, fix });
  };
  if (names.some((name) => name === '' || name === '__proto__')) refuse('a part of it is empty', 'give names with dots between, like optimizer.lr');
  refuseHidden(root, names);
  let at = root;
  for (const [i, name] of names.entries()) {
    const here = names.slice(0, i).join('.') || 'the recipe';
    if (!isContainer(at)) return refuse(`${here} is ${JSON.stringify(at)}, which has no fields`, `leave out ".${names.slice(i).join('.')}"`);
    if (Array.isArray(at) && !(/^\d+$/.test(name) && Number(name) < at.length)) return refuse(`${here} is a list of ${at.length}`, `give the number of an entry, from 0 to ${at.length - 1}`);
    const holder = at as Record<string, unknown>;
    if (names[0] === 'model' && !Object.hasOwn(holder, name)) return refuse(`the recipe's ${here} has no "${name}", and what config.json may hold is not checked`, 'write it into the recipe if it is meant so');
    if (i === names.length - 1) holder[name] = value;
    else at = holder[name] ??= {};
  }
}

/** A field that a stage has for itself would be changed to no effect there. */
function refuseHidden(root: unknown, [name, ...rest]: string[]): void {
  const stages = isContainer(root) && !Array.isArray(root) ? root.stages : undefined;
  if (!Array.isArray(stages)) return;
  const own = stages.findIndex((stage) => isContainer(stage) && Object.hasOwn(stage, name));
  if (own < 0) return;
  const path = [name, ...rest].join('.');
  throw new StaveError('RECIPE', { what: `"${path}" of the recipe is not that of all stages`, why: `stages[${own}] has a "${name}" of its own`, fix: `say which: stages.${own}.${path}` });
}

function isContainer(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
