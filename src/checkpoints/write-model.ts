/** A checkpoint directory made from another one: its weights changed or joined by more, its other files as they are. */
import { copyFile, lstat, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { list, writeDirectory, writeWhole } from '../files/write.ts';
import { saveCheckpoint, type SaveCheckpointOptions, type SaveTensor, type Weights } from '../weights/index.ts';

export type NewModel = {
  /** The directory that it is made from. Only read. */
  base: string;
  /** config.json; absent: the base's, byte for byte. */
  config?: object;
  tensors: readonly SaveTensor[];
};

/** What floating-point weights may be written as. */
export type FloatType = 'F32' | 'F16' | 'BF16';

/** Called when a tensor's turn comes, with the number of those before it. */
export type OnTensor = (progress: { done: number; total: number }) => void;

/** Weights in any format, and what lists them. */
const weights = /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|gguf|onnx)(\.index\.json)?$/;

/** Refuses a place for a new directory where something is, or that lies in the base, which is only read. @throws IO; USAGE */
export async function checkNew(out: string, base: string): Promise<void> {
  if (await lstat(out).catch(() => undefined)) throw new StaveError('IO', { what: `${out} exists already`, why: 'a new checkpoint goes into a new directory', fix: 'choose another one, or move it away' });
  const inside = relative(resolve(base), resolve(out));
  if (!inside.startsWith('..') && resolve(inside) !== inside) throw new StaveError('USAGE', { what: `${out} lies in ${base}`, why: 'the base is left as it is', fix: 'choose a directory outside of it' });
}

/** Writes the directory, whole or not at all. @throws USAGE, IO; the signal's reason when aborted: then nothing is left behind */
export async function writeModel(out: string, { base, config, tensors }: NewModel, { onTensor, ...options }: SaveCheckpointOptions & { onTensor?: OnTensor } = {}): Promise<void> {
  await writeModelFiles(out, { base, config }, async (temporary) => {
    await saveCheckpoint(temporary, onTensor === undefined ? tensors : counted(tensors, onTensor), options);
  });
}

/** The same with weights that `save` writes into the directory. */
export async function writeModelFiles(out: string, { base, config }: Pick<NewModel, 'base' | 'config'>, save: (temporary: string) => Promise<void>): Promise<void> {
  await checkNew(out, base);
  await writeDirectory(resolve(out), async (temporary) => {
    await save(temporary);
    if (config !== undefined) await writeWhole(join(temporary, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    for (const file of await list(base)) {
      const name = basename(file);
      if (name.startsWith('.') || weights.test(name) || (name === 'config.json' && config !== undefined) || !(await stat(file)).isFile()) continue;
      await copyFile(file, join(temporary, name));
    }
  });
}

/** A tensor of the base as it is, or as another type. */
export function storedTensor(weights: Weights, name: string, dtype?: FloatType): SaveTensor {
  const { dtype: from, shape } = weights.info(name);
  return dtype === undefined || dtype === from ? { name, dtype: from, shape, data: () => weights.read(name) } : { name, dtype, shape, data: () => weights.readF32(name) };
}

/** config.json that names the type of the weights; transformers 4.56 has renamed the field. */
export function withType(json: Record<string, unknown>, dtype: FloatType | undefined): Record<string, unknown> {
  return dtype === undefined ? json : { ...json, [Object.hasOwn(json, 'dtype') ? 'dtype' : 'torch_dtype']: { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[dtype] };
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
