/** Weights as a checkpoint directory holds them: one file, or shards with an index where they are large. */
import { join } from 'node:path';
import { writeWhole } from '../files/write.ts';
import { bytesOf } from './dtypes.ts';
import { saveSafetensors, type SaveTensor } from './save.ts';

/** Bytes of tensors in a file; transformers' limit too. */
const MAX_SHARD = 5e9;

export type SaveCheckpointOptions = {
  /** Bytes of tensors in a file at most; a larger tensor has a file of its own. */
  max_shard_size?: number;
  signal?: AbortSignal;
};

/** Writes model.safetensors; from `max_shard_size` on model-00001-of-0000n.safetensors, … and model.safetensors.index.json, as transformers names and fills them.
 * Tensors whose data is a function are read one after the other and held one at a time.
 * @returns the names of the files  @throws IO; the signal's reason between two tensors */
export async function saveCheckpoint(dir: string, tensors: Iterable<SaveTensor>, { max_shard_size = MAX_SHARD, signal }: SaveCheckpointOptions = {}): Promise<string[]> {
  const shards = cut([...tensors].map((tensor) => abortable(tensor, signal)), max_shard_size);
  const files = shards.length === 1 ? ['model.safetensors'] : shards.map((_, i) => `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`);
  for (const [i, file] of files.entries()) await saveSafetensors(join(dir, file), shards[i]);
  if (shards.length === 1) return files;
  const index = {
    metadata: { total_size: shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0) },
    weight_map: Object.fromEntries(shards.flatMap((shard, i) => shard.map(({ name }): [string, string] => [name, files[i]])).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
  await writeWhole(join(dir, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
  return [...files, 'model.safetensors.index.json'];
}

/** In the order given, a new shard where the next tensor has no room. */
function cut(tensors: SaveTensor[], limit: number): SaveTensor[][] {
  const shards: SaveTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes > 0 && bytes + bytesOf(tensor) > limit) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += bytesOf(tensor);
  }
  return shards;
}

function abortable(tensor: SaveTensor, signal: AbortSignal | undefined): SaveTensor {
  const { data } = tensor;
  if (signal === undefined || typeof data !== 'function') return tensor;
  return {
    ...tensor,
    data: () => {
      signal.throwIfAborted();
      return data();
    },
  };
}

const number = (n: number): string => String(n).padStart(5, '0');
