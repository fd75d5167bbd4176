/** How tensors get to the worker: shared memory as it is, given-away buffers by transfer, small ones by copy, and large ones
 * copied into shared memory piece by piece so that the event loop is never held. */
import { setImmediate } from 'node:timers/promises';
import type { Tensor, TypedArray } from '../graph/index.ts';
import type { ExternalData, Feed } from './protocol.ts';

/** Bytes copied without a pause: about a millisecond, two when the memory is new. */
const PIECE = 4 << 20;

export type Shared = { feeds: Record<string, Feed>; transfer: ArrayBuffer[] };

/** Whether share() would have to pause. */
export function needsPauses(feeds: Record<string, Feed>, transfer: boolean): boolean {
  let bytes = 0;
  for (const feed of Object.values(feeds)) if ('data' in feed && mustCopy(feed.data, transfer)) bytes += feed.data.byteLength;
  return bytes > PIECE;
}

/** Small feeds, or none to copy: at once. */
export function shareNow(feeds: Record<string, Feed>, transfer: boolean): Shared {
  const out: Record<string, Feed> = {};
  const moved = new Set<ArrayBuffer>();
  for (const [name, feed] of Object.entries(feeds)) {
    if (!('data' in feed)) out[name] = feed;
    else {
      const copy = mustCopy(feed.data, transfer);
      // A view is cut out: else its whole buffer would be copied. A copy is then moved, not copied once more.
      const data = copy ? (feed.data.slice() as TypedArray) : feed.data;
      if (!isShared(data)) moved.add(data.buffer as ArrayBuffer);
      out[name] = tensor(feed, data);
    }
  }
  return { feeds: out, transfer: [...moved] };
}

/** Any feeds, with pauses. They must not change until it is done. */
export async function shareSlowly(feeds: Record<string, Feed>, transfer: boolean, signal?: AbortSignal): Promise<Shared> {
  const ready: Record<string, Feed> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    ready[name] = 'data' in feed && mustCopy(feed.data, transfer) ? tensor(feed, await copySlowly(feed.data, signal)) : feed;
  }
  return shareNow(ready, transfer);
}

/** Weights that are in memory, as shared memory, with pauses. */
export async function shareWeights(weights: readonly ExternalData[]): Promise<ExternalData[]> {
  const out: ExternalData[] = [];
  for (const { path, data } of weights) out.push({ path, data: isShared(data) ? data : ((await copySlowly(data)) as Uint8Array) });
  return out;
}

/** The same numbers in new shared memory. */
async function copySlowly(data: TypedArray, signal?: AbortSignal): Promise<TypedArray> {
  const from = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const to = new Uint8Array(new SharedArrayBuffer(from.length));
  for (let at = 0; at < from.length; at += PIECE) {
    to.set(from.subarray(at, at + PIECE), at);
    await setImmediate();
    signal?.throwIfAborted();
  }
  return new (data.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray)(to.buffer, 0, data.length);
}

function mustCopy(data: TypedArray, transfer: boolean): boolean {
  return !isShared(data) && !(transfer && data.byteLength === data.buffer.byteLength);
}

function isShared(data: TypedArray): boolean {
  return data.buffer instanceof SharedArrayBuffer;
}

/** Only the three fields travel, whatever else the caller's object carries. */
function tensor({ dtype, dims }: Tensor, data: TypedArray): Tensor {
  return { dtype, dims, data };
}
