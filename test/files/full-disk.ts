import { open, type FileHandle } from 'node:fs/promises';
import type { TestContext } from 'node:test';

/** The `nth` line that is added to a file from now on: half of it gets to the disk, which then says that it is full; what is added after it would get there. */
export async function fullDisk(t: TestContext, nth = 1): Promise<void> {
  const any = await open(import.meta.filename, 'r');
  const prototype = Object.getPrototypeOf(any) as FileHandle;
  await any.close();
  const { write, appendFile } = prototype;
  let added = 0;
  t.mock.method(prototype, 'appendFile', async function (this: FileHandle, data: string | Buffer) {
    if (++added !== nth) return appendFile.call(this, data);
    const bytes = Buffer.from(data as string);
    await (write as (data: Uint8Array) => Promise<unknown>).call(this, bytes.subarray(0, bytes.length / 2));
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
}
