/** When two graphs are the same program: equal model bytes, and weights from the same unchanged places. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { StaveError } from '../errors.ts';
import type { ExternalData } from './protocol.ts';

const buffers = new WeakMap<ArrayBufferLike, number>();
let seen = 0;

/** A number for a buffer, the same as long as it lives. */
function numberOf(buffer: ArrayBufferLike): number {
  let n = buffers.get(buffer);
  if (n === undefined) buffers.set(buffer, (n = ++seen));
  return n;
}

/** @param files where weights lie  @throws RUNTIME when one is gone */
export async function identify(model: Uint8Array, externalData: readonly ExternalData[], files: readonly string[], options: string): Promise<string> {
  const hash = createHash('sha256').update(options).update(model);
  for (const { path, data } of externalData) hash.update(`\0${path} ${numberOf(data.buffer)} ${data.byteOffset} ${data.byteLength}`);
  for (const file of files) hash.update(`\0${file} ${await version(file)}`);
  return hash.digest('hex');
}

/** Changes when the file is written again, as a training run does with its checkpoint. */
async function version(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (cause) {
    throw new StaveError('RUNTIME', {
      what: `weights cannot be read from ${file}`,
      why: (cause as Error).message,
      fix: 'check that the checkpoint is still where it was',
      cause,
    });
  }
}
