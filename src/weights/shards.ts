/** model.safetensors.index.json: which shard holds which tensor. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { corrupt, describe, isRecord, MAX_HEADER } from './header.ts';
import { duplicateKey } from './json.ts';

export type Index = {
  /** Tensor names by shard, both in the order of the file. */
  shards: Map<string, string[]>;
  where: (shard: string) => string;
};

/** @throws WEIGHTS_CORRUPT when it is not an index or a shard's name leads out of the directory */
export async function readIndex(file: string): Promise<Index> {
  const { size } = await stat(file);
  if (size > MAX_HEADER) throw corrupt(file, `${size} bytes long, an index has at most ${MAX_HEADER}`);
  const text = await readFile(file, 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw corrupt(file, 'not JSON', (cause as Error).message, cause);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw corrupt(file, `names ${JSON.stringify(twice)} twice`);
  const map = isRecord(json) ? json.weight_map : undefined;
  if (!isRecord(map)) throw corrupt(file, `weight_map is ${describe(map)}, not an object of tensor name → file`);
  const shards = new Map<string, string[]>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !staysInside(shard)) {
      throw corrupt(file, `tensor ${JSON.stringify(tensor)} is placed in ${describe(shard)}, not in a file of this directory`);
    }
    const names = shards.get(shard);
    if (names) names.push(tensor);
    else shards.set(shard, [tensor]);
  }
  return { shards, where: (shard) => join(dirname(file), shard) };
}

/** Judged by the name alone: the links of a Hugging Face cache lead elsewhere, and rightly. */
function staysInside(shard: string): boolean {
  return shard !== '' && !/[\\\0:]/.test(shard) && shard.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
