/** What do further questions on a video cost, what does deciding cost beside generating, and how busy is the model? Runs of stave eval on rendered clips, by turns.
 * node bench/eval.ts [--model DIR] [--clips 24] [--rounds 3] */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate, storedModel, type EvalOptions } from '../src/eval/index.ts';
import { boxModel } from '../src/generate/index.ts';
import { renderSet, type Motion10Record } from '../src/tasks/index.ts';

const { values } = parseArgs({ options: { model: { type: 'string', default: boxModel }, clips: { type: 'string', default: '24' }, rounds: { type: 'string', default: '3' } } });
const folder = await mkdtemp(join(tmpdir(), 'stave-bench-eval-'));
type Measured = { seconds: number; busy: number };

/** A root whose clips have so many action questions each. */
async function dataWith(questions: number): Promise<string> {
  const data = join(folder, `data-${questions}`);
  const { labels } = await renderSet(join(data, 'motion10'), { seed: 'bench', count: Number(values.clips), classes: ['rising', 'falling', 'closer', 'away'] });
  const records = (await readFile(labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record).filter(({ kind }) => kind === 'action');
  const phrasings = ['What is the action happening in this video?', 'What happens in this video?', 'Which action does this video show?'];
  await writeFile(labels, records.flatMap((record) => phrasings.slice(0, questions).map((question, i) => `${JSON.stringify({ ...record, id: `${record.id}-${i}`, question })}\n`)).join(''));
  return data;
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

let runs = 0;
async function run(data: string, mode: EvalOptions['mode']): Promise<Measured> {
  const output = join(folder, `run-${runs++}`);
  await evaluate({ model: storedModel(values.model), tasks: ['motion10'], data, output, mode });
  const { sessions: [{ seconds, model_busy_seconds: busy }] } = JSON.parse(await readFile(join(output, 'manifest.json'), 'utf8')) as { sessions: { seconds: number; model_busy_seconds: number }[] };
  return { seconds, busy };
}

try {
  const [one, three] = [await dataWith(1), await dataWith(3)];
  const kinds: [string, string, EvalOptions['mode']][] = [['one question a video', one, 'generate'], ['three, generated', three, 'generate'], ['three, decided', three, 'decide']];
  const found = new Map<string, Measured[]>(kinds.map(([name]) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) for (const [name, data, mode] of kinds) found.get(name)!.push(await run(data, mode));
  const first = median(found.get(kinds[0][0])!.map(({ seconds }) => seconds));
  console.log(`${values.clips} clips, ${values.rounds} rounds by turns, medians; ${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`);
  for (const [name, measured] of found) {
    const seconds = median(measured.map((m) => m.seconds));
    console.log(`${name.padEnd(22)} ${seconds.toFixed(2).padStart(8)} s  ${(seconds / first).toFixed(2).padStart(5)} times the first  model busy ${(100 * median(measured.map((m) => m.busy / m.seconds))).toFixed(0)} %`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
