/** From a checkpoint directory or file to its tensors: one safetensors file, or shards named by an index. */
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import type { TensorInfo } from './dtypes.ts';
import { corrupt, headerLength, parseHeader, type Header } from './header.ts';
import { readIndex } from './shards.ts';
import { Weights } from './weights.ts';

/** Opens a checkpoint: `model.safetensors` or `model.safetensors.index.json` with its shards in a directory, or one file.
 * Reads headers only. Dispose the result to close the files.
 * @throws MODEL_MISSING, WEIGHTS_CORRUPT, IO */
export async function openWeights(dirOrFile: string): Promise<Weights> {
  const path = resolve(dirOrFile);
  const files: FileHandle[] = [];
  try {
    const info = await statOr(path);
    if (!info) throw missing(path, 'there is no such file or directory', 'check the path');
    if (!info.isDirectory()) return path.endsWith('.index.json') ? await openShards(path, files) : await openOne(path, files);
    const single = join(path, 'model.safetensors');
    if (await statOr(single)) return await openOne(single, files);
    const index = join(path, 'model.safetensors.index.json');
    if (await statOr(index)) return await openShards(index, files);
    throw missing(path, 'it holds neither model.safetensors nor model.safetensors.index.json', 'give the directory of a checkpoint saved as safetensors');
  } catch (error) {
    await Promise.all(files.map((f) => f.close()));
    throw error instanceof StaveError ? error : ioError(path, error);
  }
}

async function openOne(path: string, files: FileHandle[]): Promise<Weights> {
  const { handle, file, tensors, metadata } = await openFile(path, files);
  return new Weights(path, byName(tensors), new Map([[file, handle]]), metadata);
}

async function openShards(index: string, files: FileHandle[]): Promise<Weights> {
  const { shards, where } = await readIndex(index);
  const tensors = new Map<string, TensorInfo>();
  const handles = new Map<string, FileHandle>();
  let metadata: Record<string, string> = {};
  for (const [shard, names] of shards) {
    const path = where(shard);
    if (!(await statOr(path))) throw missing(path, `${index} places ${names.length} tensors there, among them "${names[0]}"`, 'download the missing file');
    const opened = await openFile(path, files);
    metadata = { ...metadata, ...opened.metadata };
    if (handles.has(opened.file)) await opened.handle.close(); // two names lead to one file
    else handles.set(opened.file, opened.handle);
    const inside = byName(opened.tensors);
    for (const name of names) {
      const info = inside.get(name);
      if (!info) throw corrupt(path, `no tensor ${JSON.stringify(name)}, where ${index} places it`, 'the index and the shards belong to different checkpoints');
      tensors.set(name, info);
    }
  }
  return new Weights(index, tensors, handles, metadata);
}

type Opened = Header & { handle: FileHandle; file: string };

async function openFile(path: string, files: FileHandle[]): Promise<Opened> {
  const file = await realpath(path);
  if (!(await stat(file)).isFile()) throw corrupt(path, 'not a regular file'); // before open: a pipe would wait for ever
  const handle = await open(file, 'r');
  files.push(handle);
  const { size } = await handle.stat();
  const first8 = Buffer.alloc(8);
  await handle.read(first8, 0, 8, 0);
  const length = headerLength(first8, size, path);
  const json = Buffer.alloc(length);
  const { bytesRead } = await handle.read(json, 0, length, 8);
  if (bytesRead !== length) throw corrupt(path, `only ${bytesRead} of the header's ${length} bytes could be read`);
  const header = parseHeader(json, size, path);
  for (const t of header.tensors) t.file = file; // the check speaks of the path the user knows
  return { ...header, handle, file };
}

function byName(tensors: readonly TensorInfo[]): Map<string, TensorInfo> {
  return new Map(tensors.map((t) => [t.name, t]));
}

function missing(path: string, why: string, fix: string): StaveError {
  return new StaveError('MODEL_MISSING', { what: `cannot open ${path}`, why, fix });
}

function ioError(path: string, cause: unknown): StaveError {
  return new StaveError('IO', { what: `cannot read ${path}`, why: (cause as Error).message, fix: 'check that the file may be read', cause });
}

async function statOr(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
