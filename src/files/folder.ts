import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder, and those above it that are missing. Not by mkdir's `recursive`: that tries for ever where the folder above is there and takes none, like /proc.
 * @returns the topmost that was made; undefined: all were there  @throws what mkdir throws */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    const above = dirname(folder);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && above !== folder) {
      const made = await makeFolder(above);
      await mkdir(folder).catch((second: unknown) => orThere(folder, second));
      return made;
    }
    await orThere(folder, error);
    return undefined;
  }
}

/** Removes a folder and those above it up to `top`, as long as they are empty. */
export async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let at = folder; at.startsWith(top); at = dirname(at)) if (!(await rmdir(at).then(() => true, () => false))) return;
}

/** Whatever kept mkdir from making it: if it is there, all is well. */
async function orThere(folder: string, error: unknown): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) throw error;
}
