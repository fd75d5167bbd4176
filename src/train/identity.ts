/** What decides the numbers of a run. A run goes on only where all of it is the same. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { StaveError } from '../errors.ts';
import { fingerprint, tokenizerFingerprint } from '../models/fingerprint.ts';
import { openWeights } from '../weights/index.ts';
import type { Recipe } from './recipe.ts';

/** Fields of the recipe; of the tokenizer and of the checkpoint that the run started from, the content instead of the path. */
export type Identity = Omit<Recipe, 'out' | 'threads' | 'eval' | 'checkpoint' | 'name' | 'dtype' | 'data' | 'best'> & { data: object; /** Evaluations decide which weights come out. */ best?: object };

/** @throws MODEL_MISSING, WEIGHTS_CORRUPT, IO */
export async function identityOf({ out: _out, threads: _threads, eval: evaluation, checkpoint: _checkpoint, name: _name, dtype: _dtype, best, ...rest }: Recipe): Promise<Identity> {
  const held = rest.data.task === 'conversations' && rest.data.eval !== null ? { data: { eval: await fileHash(rest.data.eval) } } : {};
  return { ...rest, ...(best && { best: { metric: best.metric, eval: evaluation, ...held } }), data: await dataIdentity(rest.data), tokenizer: await tokenizerFingerprint(rest.tokenizer), init: rest.init && (await checkpointFingerprint(rest.init)) };
}

async function checkpointFingerprint(dir: string): Promise<string> {
  await using weights = await openWeights(dir);
  return await fingerprint(dir, weights); // awaited here: the files are open until it is done
}

/** Of data files the content: they may be moved, and videos are not looked into. What is held out, how many threads there are and how much may be left out decides nothing. */
async function dataIdentity(data: Recipe['data']): Promise<object> {
  if (data.task === 'motion10') return data;
  const { eval: _eval, media: _media, workers: _workers, max_bad: _max, ...rest } = data;
  return { ...rest, path: await fileHash(data.path), skip: data.skip && (await fileHash(data.skip)) };
}

async function fileHash(file: string): Promise<string> {
  const sum = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) sum.update(chunk);
  } catch (cause) {
    throw new StaveError('IO', { what: `cannot read ${file}`, why: (cause as Error).message, fix: 'check the path', cause });
  }
  return sum.digest('hex').slice(0, 16);
}

/** The hash that checkpoints of the first format hold; it knows the tokenizer not at all and `init` by its path. */
export function firstFormatHash({ out: _out, threads: _threads, eval: _eval, checkpoint: _checkpoint, name: _name, dtype: _dtype, tokenizer: _tokenizer, ...rest }: Recipe): string {
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 16);
}

/** Fields that differ, each as `optimizer.lr: 0.01 → 0.02`. */
export function differences(before: unknown, now: unknown): string[] {
  const [a, b] = [new Map(leaves(before)), new Map(leaves(now))];
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => a.get(path) !== b.get(path)).map((path) => `${label(path)}: ${show(a.get(path))} → ${show(b.get(path))}`);
}

/** Path and JSON of every value; objects and lists of objects are entered. */
export function leaves(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[path, JSON.stringify(value)]];
  const list = Array.isArray(value);
  if (list && !value.some((entry) => typeof entry === 'object')) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, list ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`));
}

const label = (path: string): string => {
  const field = path.replace(/^best\.(?=eval\.|data\.)/, ''); // they count because of `best`
  return ['tokenizer', 'init', 'data.path', 'data.skip', 'data.eval'].includes(field) ? `what "${field}" holds` : field;
};

function show(json = 'absent'): string {
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
