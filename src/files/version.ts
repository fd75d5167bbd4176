/** Versions of what is installed. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of stave. */
export function staveVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

/** From the package.json above the file that is imported: many packages don't export theirs. Null: it is not there. */
export function versionOf(name: string): string | null {
  try {
    for (let folder = dirname(fileURLToPath(import.meta.resolve(name))); ; folder = dirname(folder)) {
      const file = join(folder, 'package.json');
      if (existsSync(file)) {
        const found = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
        if (found.name === name) return found.version ?? null;
      }
      if (folder === dirname(folder)) return null;
    }
  } catch {
    return null;
  }
}
