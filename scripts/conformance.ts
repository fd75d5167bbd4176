/** `npm run -s conformance -- DIR…`: runs every reference set under the folders, a line per case with its worst deviation. Exit code 1 on any failure. */
import { readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Row } from './conformance/compare.ts';

export type Kind = { kind: string; check(dir: string): Promise<Row[]> };

/** A folder's kind is told by a file in it. Each checker is loaded only when its set turns up. */
const kinds: Record<string, Kind> = {
  'cases.json': { kind: 'models', check: async (dir) => (await import('./conformance/models.ts')).checkModelSet(dir) },
  'processor.json': { kind: 'processor', check: async (dir) => (await import('./conformance/processor.ts')).checkProcessorSet(dir) },
  'videos.json': { kind: 'video', check: async (dir) => (await import('./conformance/video.ts')).checkVideoSet(dir) },
  'training.json': { kind: 'training', check: async (dir) => (await import('./conformance/training.ts')).checkTrainingSet(dir) },
  'harness.json': { kind: 'harness', check: async (dir) => (await import('./conformance/eval/harness.ts')).checkHarness(dir) },
  'mvbench.json': { kind: 'mvbench', check: async (dir) => (await import('./conformance/eval/mvbench.ts')).checkMvbench(dir) },
  'ssv2.json': { kind: 'ssv2', check: async (dir) => (await import('./conformance/eval/ssv2.ts')).checkSsv2(dir) },
  'videomme.json': { kind: 'videomme', check: async (dir) => (await import('./conformance/eval/videomme.ts')).checkVideomme(dir) },
  'vitatecs.json': { kind: 'vitatecs', check: async (dir) => (await import('./conformance/eval/vitatecs.ts')).checkVitatecs(dir) },
  'internvideo2.json': notYet('internvideo2'),
};

/** Sets in a folder and its subfolders, in a fixed order. @throws when the folder can't be read */
export async function findSets(dir: string): Promise<{ dir: string; kind: Kind }[]> {
  const entries = (await readdir(dir, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const own = entries.filter(({ name }) => Object.hasOwn(kinds, name)).map(({ name }) => ({ dir, kind: kinds[name] }));
  const below = [];
  for (const entry of entries) if (entry.isDirectory()) below.push(...(await findSets(join(dir, entry.name))));
  return [...own, ...below];
}

/** A kind that has no checker yet: listed, and counted failed. */
function notYet(kind: string): Kind {
  return { kind, check: async () => [{ name: kind, ok: false, note: 'not yet supported' }] };
}

/** Runs the sets under the folders and writes a line per case. */
export async function conformance(dirs: string[], write: (line: string) => void): Promise<{ passed: number; failed: number }> {
  const count = { passed: 0, failed: 0 };
  for (const root of dirs) {
    const sets = await findSets(root);
    if (sets.length === 0) {
      count.failed++;
      write(`FAIL  ${root}: no reference set found`);
    }
    for (const { dir, kind } of sets) {
      const rows = await kind.check(dir).catch((error: Error): Row[] => [{ name: 'set', ok: false, note: error.message.split('\n').join('; ') }]);
      for (const row of rows) {
        count[row.ok ? 'passed' : 'failed']++;
        write(line(`${relative(root, dir) || basename(dir)}/${row.name}`, row));
      }
    }
  }
  return count;
}

function line(name: string, { ok, deviation, note }: Row): string {
  const measured = deviation === undefined ? '' : deviation.toExponential(1);
  return [ok ? 'ok  ' : 'FAIL', name.padEnd(64), measured.padStart(8), note ?? ''].join('  ').trimEnd();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const dirs = process.argv.slice(2);
  if (dirs.length === 0) {
    console.error('usage: npm run -s conformance -- DIR…');
    process.exit(2);
  }
  try {
    const { passed, failed } = await conformance(dirs, (text) => console.log(text));
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed > 0 ? 1 : 0;
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
}
