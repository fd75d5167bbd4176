/** A checkpoint directory made from another one: its weights changed or joined by more, its other files as they are. */
import { copyFile, lstat, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { list, writeDirectory, writeWhole } from '../files/write.ts';
import { saveCheckpoint, type SaveCheckpointOptions, type SaveTensor } from '../weights/index.ts';

export type NewModel = {
  /** The directory that it is made from. Only read. */
  base: string;
  /** config.json; absent: the base's, byte for byte. */
  config?: object;
  tensors: readonly SaveTensor[];
};

/** Called when a tensor's turn comes, with the number of those before it. */
export type OnTensor = (progress: { done: number; total: number }) => void;

/** Weights in any format, and what lists them. */
const weights = /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|gguf|onnx)(\.index\.json)?$/;

/** Refuses a place for a new directory where something is, or that lies in the base, which is only read. @throws USAGE */
export async function checkNew(out: string, base: string): Promise<void> {
  if (await lstat(out).catch(() => undefined)) throw new StaveError('USAGE', { what: `${out} exists already`, why: 'a new checkpoint goes into a new directory', fix: 'choose another one, or move it away' });
  const inside = relative(resolve(base), resolve(out));
  if (!inside.startsWith('..') && resolve(inside) !== inside) throw new StaveError('USAGE', { what: `${out} lies in ${base}`, why: 'the base is left as it is', fix: 'choose a directory outside of it' });
}

/** Writes the directory, whole or not at all. @throws USAGE, IO; the signal's reason when aborted: then nothing is left behind */
export async function writeModel(out: string, { base, config, tensors }: NewModel, { onTensor, ...options }: SaveCheckpointOptions & { onTensor?: OnTensor } = {}): Promise<void> {
  await checkNew(out, base);
  await writeDirectory(resolve(out), async (temporary) => {
    await saveCheckpoint(temporary, onTensor === undefined ? tensors : counted(tensors, onTensor), options);
    if (config !== undefined) await writeWhole(join(temporary, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    for (const file of await list(base)) {
      const name = basename(file);
      if (name.startsWith('.') || weights.test(name) || (name === 'config.json' && config !== undefined) || !(await stat(file)).isFile()) continue;
      await copyFile(file, join(temporary, name));
    }
  });
}

function counted(tensors: readonly SaveTensor[], onTensor: OnTensor): SaveTensor[] {
  let done = 0;
  return tensors.map((tensor) => ({
    ...tensor,
    data: () => {
      onTensor({ done: done++, total: tensors.length });
      return typeof tensor.data === 'function' ? tensor.data() : tensor.data;
    },
  }));
}
