/** What a grid's folder was begun with. Runs may be added to it; all else stays, lest the table compare what is not alike. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InsertOptions } from '../../src/checkpoints/index.ts';
import { StaveError } from '../../src/errors.ts';
import { exists } from '../../src/files/look.ts';
import { writeWhole } from '../../src/files/write.ts';
import { fingerprint } from '../../src/models/fingerprint.ts';
import { differences } from '../../src/train/identity.ts';
import { openWeights } from '../../src/weights/index.ts';
import type { SharedRecipe } from './recipe.ts';

export type Settings = {
  format: 'stave ablation 1';
  /** The base by its content. */
  base: string;
  insert: Pick<InsertOptions, 'init' | 'rows'>;
  /** Drawn by seed and number, or somebody's by their labels' path; of the questions those of these kinds. */
  clips: ({ count: number; seed: string } | { labels: string }) & { kinds: readonly string[] };
  recipe: SharedRecipe['json'];
};

/** @throws as opening its weights does */
export async function fingerprintOf(base: string): Promise<string> {
  await using weights = await openWeights(base);
  return await fingerprint(base, weights);
}

/** @throws DATA naming what differs from the settings that the folder was begun with; IO */
export async function checkSettings(out: string, settings: Settings): Promise<void> {
  const file = join(out, 'settings.json');
  if (!(await exists(file))) return;
  const different = differences(JSON.parse(await readFile(file, 'utf8')), JSON.parse(JSON.stringify(settings)));
  if (different.length > 0) throw new StaveError('DATA', { what: `${out} holds a grid with other settings`, why: different.slice(0, 8).join('\n'), fix: 'go on with those, or give another --out' });
}

/** @throws IO */
export async function keepSettings(out: string, settings: Settings): Promise<void> {
  await writeWhole(join(out, 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`);
}
