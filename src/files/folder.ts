import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder, and those above it that are missing. Not by mkdir's `recursive`: that tries for ever where the folder above is there and takes none, like /proc.
 * @throws what mkdir throws */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const above = dirname(folder);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && above !== folder) {
      await makeFolder(above);
      await mkdir(folder).catch((second: unknown) => orThere(folder, second));
    } else await orThere(folder, error);
  }
}

/** Whatever kept mkdir from making it: if it is there, all is well. */
async function orThere(folder: string, error: unknown): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) throw error;
}
