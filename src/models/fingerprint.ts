/** Whether two folders hold the same model: told by their content, without reading gigabytes. */
import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import type { TensorInfo, Weights } from '../weights/index.ts';
import { textReader } from './checkpoint.ts';

const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.json', 'chat_template.jinja'];
const modelFiles = ['config.json', 'generation_config.json', 'preprocessor_config.json', 'video_preprocessor_config.json', ...tokenizerFiles];

/** A file of weights up to this size is read whole; of a larger one, PIECE bytes at the start, middle and end of every tensor: whatever was trained, it shows there. */
const SMALL = 16 << 20, PIECE = 4096;

/** Tensors that are read at once: a MB. */
const TOGETHER = 85;

/** Changes with anything that a model's answers depend on, an adapter included; not with where it lies. 16 hexadecimal digits. @throws MODEL_MISSING, IO */
export async function fingerprint(dir: string, weights: Weights, adapter?: { dir: string; weights: Weights }): Promise<string> {
  const hash = createHash('sha256');
  await addTexts(hash, dir, modelFiles);
  await addFiles(hash, weights);
  if (adapter) {
    await addTexts(hash, adapter.dir, ['adapter_config.json']);
    await addFiles(hash, adapter.weights);
  }
  return short(hash);
}

/** The same of a tokenizer with its chat template. @throws MODEL_MISSING */
export async function tokenizerFingerprint(dir: string): Promise<string> {
  const hash = createHash('sha256');
  await addTexts(hash, dir, tokenizerFiles);
  return short(hash);
}

async function addTexts(hash: Hash, dir: string, names: readonly string[]): Promise<void> {
  const texts = await Promise.all(names.map(textReader(dir)));
  for (const [i, text] of texts.entries()) if (text !== undefined) hash.update(`${names[i]} ${text.length}\n${text}`);
}

async function addFiles(hash: Hash, weights: Weights): Promise<void> {
  const tensors = [...weights.tensors.values()];
  for (const file of new Set(tensors.map((tensor) => tensor.file))) await addWeights(hash, file, tensors.filter((tensor) => tensor.file === file));
}

async function addWeights(hash: Hash, file: string, tensors: readonly TensorInfo[]): Promise<void> {
  try {
    await using handle = await open(file, 'r');
    const read = async (at: number, length: number): Promise<Buffer> => (await handle.read(Buffer.alloc(length), 0, length, at)).buffer;
    const { size } = await handle.stat();
    if (size <= SMALL) {
      hash.update(await read(0, size));
      return;
    }
    const pieces = async ({ offset, byteLength }: TensorInfo): Promise<Buffer[]> => {
      const last = Math.max(0, byteLength - PIECE);
      return Promise.all([...new Set([0, last >> 1, last])].map((at) => read(offset + at, Math.min(PIECE, byteLength))));
    };
    for (let at = 0; at < tensors.length; at += TOGETHER) {
      const group = tensors.slice(at, at + TOGETHER);
      const found = await Promise.all(group.map(pieces)); // one by one, a disk or a busy machine would be waited for thousands of times
      for (const [i, { name, dtype, shape }] of group.entries()) {
        hash.update(`${name} ${dtype} ${shape.join()}\n`);
        for (const piece of found[i]) hash.update(piece);
      }
    }
  } catch (cause) {
    throw new StaveError('IO', { what: `cannot read ${file}`, why: (cause as Error).message, fix: 'check that the file may be read', cause });
  }
}

const short = (hash: Hash): string => hash.digest('hex').slice(0, 16);
