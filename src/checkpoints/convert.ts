/** A checkpoint made smaller: weights as 16-bit numbers, or in few bits, that the engine maps into memory as they lie. */
import { resolve } from 'node:path';
import { StaveError } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import { freeSpace } from '../files/look.ts';
import { fingerprint } from '../models/fingerprint.ts';
import { configJson, openQwen2VL, type Qwen2VL } from '../models/qwen2vl/index.ts';
import { isPacked, quantizationJson, tied, type WeightTypes } from '../models/weight-types.ts';
import { bytesOf, writeSafetensors, type PutTensor } from '../weights/index.ts';
import { changes, convertTensor, plansOf, type Change } from './converted-tensors.ts';
import { Packers } from './packers.ts';
import { checkNew, withType, writeModelFiles } from './write-model.ts';

/** Bytes of the base's tensors. */
export type OnConverted = (progress: { done: number; total: number }) => void;

export type ConvertOptions = {
  /** Of each part of the model. */
  types: WeightTypes;
  /** What the base is called. Default: its path. */
  name?: string;
  /** Whether config.json says what it was made from even if no part has few bits: such a copy is for stave alone. Default: false. */
  marked?: boolean;
  /** Threads that pack. Default: as many as there are cores. */
  threads?: number;
  signal?: AbortSignal;
  onProgress?: OnConverted;
};

/** Bytes of the new file of weights. */
export type Converted = { bytes: number };

/** Writes the checkpoint with converted weights into a new directory, a few megabytes at a time; the base is only read. Tensors that the model does not use are left out.
 * @throws USAGE when the base is a converted one; IO, before anything is written, when `out` exists, another process is at it or there is no room; as opening a model does; the signal's reason: then nothing is left behind */
export async function convertCheckpoint(base: string, out: string, options: ConvertOptions): Promise<Converted> {
  await checkNew(out, base);
  await using _ = await takeLock(`${resolve(out)}.lock`, (who) => new StaveError('IO', { what: `${out} is being written by ${who}`, fix: 'wait for it or choose another directory' }));
  return await writeConverted(base, out, options); // awaited here: the lock is held until it is done
}

/** The same without a lock: the caller has one. */
export async function writeConverted(base: string, out: string, { types, name = base, marked = false, threads, signal, onProgress }: ConvertOptions): Promise<Converted> {
  const model = await openQwen2VL(base);
  await using _ = model.weights;
  const { config } = model;
  const all = tied(types, config.tie_word_embeddings);
  const made = changes(model, all);
  const bytes = made.flatMap(plansOf).reduce((sum, plan) => sum + bytesOf(plan), 0);
  await checkRoom(out, bytes);
  const json = marked || isPacked(all)
    ? { ...withType(configJson(config), 'F32'), quantization_config: quantizationJson({ types: all, source: await fingerprint(base, model.weights), name }) }
    : withType(configJson(config), all.language === 'f16' ? 'F16' : 'F32');
  await writeModelFiles(out, { base, config: json }, async (temporary) => {
    await writeSafetensors(`${temporary}/model.safetensors`, made.flatMap(plansOf), async (put) => {
      await using packers = new Packers(threads);
      await convertAll(model, made, packers, put, { signal, onProgress });
    });
  });
  return { bytes };
}

/** Pieces that are read and not yet written are held in memory: as many as there are threads, and one. */
async function convertAll(model: Qwen2VL, made: readonly Change[], packers: Packers, put: PutTensor, { signal, onProgress }: Pick<ConvertOptions, 'signal' | 'onProgress'>): Promise<void> {
  const sizeOf = ({ name }: Change): number => model.weights.info(name).byteLength;
  const total = made.reduce((sum, change) => sum + sizeOf(change), 0);
  const under = new Set<Promise<void>>();
  let done = 0;
  try {
    for (const change of made) {
      const perNumber = sizeOf(change) / change.shape.reduce((a, b) => a * b, 1);
      for await (const { numbers, written } of convertTensor(model, change, packers, put)) {
        const piece = written.then(() => {
          under.delete(piece);
          onProgress?.({ done: (done += numbers * perNumber), total });
        });
        piece.catch(() => {}); // it is waited for below
        under.add(piece);
        signal?.throwIfAborted();
        while (under.size > packers.threads) await Promise.race(under);
      }
    }
  } finally {
    await Promise.allSettled(under); // nothing may write to a file that is closed
  }
  await Promise.all(under);
}

/** @throws IO */
async function checkRoom(out: string, bytes: number): Promise<void> {
  const free = await freeSpace(resolve(out));
  if (free !== undefined && free < bytes)
    throw new StaveError('IO', { what: `no space for ${out}: ${bytes} bytes are needed, ${free} are free`, fix: 'free some space or choose another folder' });
}
