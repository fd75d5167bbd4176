/** Whether tensors fit a program, before they reach the engine: its own messages name neither the tensor nor the remedy. */
import { StaveError } from '../errors.ts';
import { arrays, dim, typeText, type Dim, type Tensor } from '../graph/index.ts';
import type { Feed, Port, Signature } from './protocol.ts';

/** Checks names, dtypes, ranks, sizes, and that every name in a shape has one value. What a key keeps is looked up when
 * `kept` is given (in the worker) and taken for granted otherwise.
 * @returns the values of the names in the shapes  @throws RUNTIME naming the feed, both values and the remedy */
export function checkFeeds(inputs: readonly Port[], feeds: Record<string, Feed>, kept?: ReadonlyMap<string, Tensor>): Record<string, number> {
  const known = new Set(inputs.map((p) => p.name));
  const names = inputs.length > 0 ? `the program has ${inputs.map((p) => p.name).join(', ')}` : 'the program has no inputs';
  for (const name of Object.keys(feeds)) if (!known.has(name)) throw wrong(`feed "${name}" is no input`, names, 'feed only the program\'s inputs');
  const tensors: [Port, Tensor][] = [];
  for (const port of inputs) {
    const feed = Object.hasOwn(feeds, port.name) ? feeds[port.name] : undefined;
    if (!feed) throw wrong(`input "${port.name}" is missing`, names, `feed a ${typeText(port)}`);
    if ('kept' in feed) {
      const tensor = kept?.get(feed.kept);
      if (kept && !tensor) throw wrong(`input "${port.name}": nothing is kept under "${feed.kept}"`, undefined, 'write() the key, or run with keep, first');
      if (tensor) tensors.push([port, tensor]);
    } else tensors.push([port, feed]);
  }
  for (const [port, tensor] of tensors) checkTensor(port, tensor);
  return bind(tensors);
}

/** Outputs that are asked for: all that are not kept, unless named. @throws RUNTIME on an unknown name */
export function outputsToFetch({ outputs }: Signature, fetch: string[] | undefined, keep: Record<string, string>): string[] {
  const names = outputs.map((p) => p.name);
  for (const name of [...(fetch ?? []), ...Object.keys(keep)]) {
    if (!names.includes(name)) throw wrong(`"${name}" is no output`, `the program has ${names.join(', ')}`, 'name one of these');
  }
  if (new Set(Object.values(keep)).size < Object.keys(keep).length) throw wrong('two outputs are to be kept under one key', JSON.stringify(keep), 'give each its own key');
  const wanted = fetch ?? names.filter((n) => !Object.hasOwn(keep, n));
  if (wanted.length + Object.keys(keep).length === 0) throw wrong('a run was asked for no output', undefined, 'fetch or keep at least one');
  return [...new Set(wanted)];
}

/** Whether a tensor's parts belong together: array type and number of elements. @throws RUNTIME */
export function checkData(at: string, { dtype, dims, data }: Tensor): void {
  const array = Object.hasOwn(arrays, dtype) ? arrays[dtype] : undefined;
  if (!array) throw wrong(`${at} has dtype ${String(dtype)}`, `known are ${Object.keys(arrays).join(', ')}`);
  if (!(data instanceof array)) throw wrong(`${at}: ${dtype} data in a ${(data as object)?.constructor?.name ?? String(data)}`, undefined, `give a ${array.name}`);
  if (!Array.isArray(dims) || !dims.every((n) => Number.isSafeInteger(n) && n >= 0)) throw wrong(`${at} has dims [${String(dims)}], not a list of sizes`);
  const count = dims.reduce((a, b) => a * b, 1);
  if (data.length !== count) throw wrong(`${at}: ${data.length} elements for dims [${dims.join(', ')}]`, undefined, `give ${count} elements`);
}

function checkTensor(port: Port, tensor: Tensor): void {
  const at = `input "${port.name}"`;
  if (tensor.dtype !== port.dtype) throw wrong(`${at} is ${tensor.dtype}`, `the program takes ${typeText(port)}`, `feed ${port.dtype}`);
  checkData(at, tensor);
  const fits = tensor.dims.length === port.shape.length && port.shape.every((d, i) => typeof d === 'string' || d === tensor.dims[i]);
  if (!fits) throw wrong(`${at} has dims [${tensor.dims.join(', ')}]`, `the program takes ${typeText(port)}`);
}

/** The value of every name, from dims like T first, then from dims with one name left, like 4*M or P+S. */
function bind(tensors: [Port, Tensor][]): Record<string, number> {
  const values: Record<string, number> = {};
  const from: Record<string, string> = {};
  let open = tensors.flatMap(([port, t]) => port.shape.map((d, i) => ({ port, t, i, d: d as string, size: t.dims[i] }))).filter(({ d }) => typeof d === 'string');
  for (let progress = true; progress && open.length > 0; ) {
    progress = false;
    const later: typeof open = [];
    for (const item of open) {
      const { port, t, i, d, size } = item;
      const free = dim.symbols(d).filter((s) => !(s in values));
      if (free.length > 1) {
        later.push(item);
        continue;
      }
      progress = true;
      if (free.length === 1) solve(d, free[0], size, values);
      if (free.length === 1 && free[0] in values) from[free[0]] ??= `"${port.name}"`;
      if (!dim.symbols(d).every((s) => s in values) || dim.evaluate(d, values) !== size) {
        const others = dim.symbols(d).map((s) => (s in values ? `${s} = ${values[s]} from ${from[s]}` : `no whole ${s} fits`));
        throw wrong(`input "${port.name}" has dims [${t.dims.join(', ')}]`, `the program takes ${typeText(port)}: dimension ${i} is ${size}, but ${others.join(', ')}`);
      }
    }
    open = later;
  }
  return values;
}

/** Solves d = size for one name in which d is linear. */
function solve(d: Dim, name: string, size: number, values: Record<string, number>): void {
  const at0 = dim.evaluate(d, { ...values, [name]: 0 });
  const slope = dim.evaluate(d, { ...values, [name]: 1 }) - at0;
  const value = slope === 0 ? 0 : (size - at0) / slope;
  if (Number.isInteger(value) && value >= 0) values[name] = value;
}

function wrong(what: string, why?: string, fix?: string): StaveError {
  return new StaveError('RUNTIME', { what, why, fix });
}
