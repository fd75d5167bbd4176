/** What do further questions on a video cost, what does deciding cost beside generating, and how busy is the model? A miniature Video-MME of rendered clips, runs of stave eval by turns.
 * node bench/eval.ts [--model DIR | --random 24x512] [--clips 24] [--rounds 3]
 * --random LAYERSxWIDTH: random weights of that shape, whose answers end at once, as answers to multiple choice do. Held to: three questions a video cost at most 1.2 times one question and
 * two prefills of text; the model is busy for at least 90 % of the time. */
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { evaluate, storedModel, type EvalOptions } from '../src/eval/index.ts';
import { boxModel, load } from '../src/generate/index.ts';
import { benchmark, renderSet } from '../src/tasks/index.ts';
import { writeRandomModel } from './eval/random-model.ts';

const { values } = parseArgs({ options: { model: { type: 'string', default: boxModel }, random: { type: 'string' }, clips: { type: 'string', default: '24' }, rounds: { type: 'string', default: '3' } } });
const folder = await mkdtemp(join(tmpdir(), 'stave-bench-eval-'));
const QUESTIONS = ['What does the shape in the video do?', 'How does the video end?', 'Which of these happens in the video?'];

/** Rendered clips under the names of videos. @returns those */
async function renderVideos(data: string): Promise<string[]> {
  const { labels } = await renderSet(join(folder, 'clips'), { seed: 'bench', count: Number(values.clips), codec: 'h264' });
  const files = new Set((await readFile(labels, 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { video: string }).video));
  await mkdir(data, { recursive: true });
  for (const file of files) await rename(join(folder, 'clips', file), join(data, file));
  return [...files].map((file) => basename(file, '.mp4'));
}

/** A root whose videos have so many questions each. */
async function dataWith(questions: number, videos: readonly string[]): Promise<string> {
  const root = join(folder, `data-${questions}`);
  const rows = videos.flatMap((videoID, v) => QUESTIONS.slice(0, questions).map((question, q) => ({ video_id: String(v), duration: 'short', domain: 'Knowledge', sub_category: 'Law', url: '', videoID, question_id: `${v}-${q}`, task_type: 'Action Recognition', question, answer: 'A' })));
  const columns = [...Object.keys(rows[0]).map((name) => ({ name, data: rows.map((row) => row[name as keyof (typeof rows)[0]]), type: 'STRING' as const })), { name: 'options', data: rows.map(() => ['A. It rises.', 'B. It falls.', 'C. It turns.', 'D. It stays.']), type: 'JSON' as const }];
  await mkdir(join(root, 'videomme', 'videomme'), { recursive: true });
  await writeFile(join(root, 'videomme', 'videomme', 'test-00000-of-00001.parquet'), new Uint8Array(parquetWriteBuffer({ columnData: columns })));
  return root;
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

type Measured = { seconds: number; busy: number };

let runs = 0;
async function run(model: string, data: string, mode: EvalOptions['mode']): Promise<Measured> {
  const output = join(folder, `run-${runs++}`);
  await evaluate({ model: storedModel(model), tasks: ['videomme'], data, output, mode });
  const { sessions: [{ seconds, model_busy_seconds: busy }] } = JSON.parse(await readFile(join(output, 'manifest.json'), 'utf8')) as { sessions: { seconds: number; model_busy_seconds: number }[] };
  return { seconds, busy };
}

/** Seconds for what a second question on a video adds: the text behind it, read and answered. */
async function textSeconds(dir: string, files: readonly string[]): Promise<number> {
  const { pixels } = benchmark('videomme')[0].settings;
  await using model = await load(dir);
  const found: number[] = [];
  for (const file of files) {
    const ask = (question: string) => model.ask(file, `${question}\nA. It rises.\nB. It falls.\nC. It turns.\nD. It stays.\n`, { max_new_tokens: 1, do_sample: false, sampling: { rule: 'lmms', max_frames: 32 }, ...pixels }).result();
    await ask(QUESTIONS[0]);
    const { timings } = await ask(QUESTIONS[1]);
    found.push(timings.prefill + timings.generate);
  }
  return median(found);
}

try {
  const [layers, width] = (values.random ?? '').split('x').map(Number);
  const model = values.random === undefined ? values.model : join(folder, 'model');
  if (values.random !== undefined) await writeRandomModel(model, { layers, width });
  const videoFolder = join(folder, 'data');
  const videos = await renderVideos(videoFolder);
  const roots = await Promise.all([1, 3].map((questions) => dataWith(questions, videos)));
  for (const root of roots) await symlink(videoFolder, join(root, 'videomme', 'data'));
  const [one, three] = roots;
  const kinds: [string, string, EvalOptions['mode']][] = [['one question a video', one, 'generate'], ['three, generated', three, 'generate'], ['three, decided', three, 'decide']];
  const found = new Map<string, Measured[]>(kinds.map(([name]) => [name, []]));
  const texts: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, data, mode] of kinds) found.get(name)!.push(await run(model, data, mode));
    texts.push(await textSeconds(model, videos.slice(0, 3).map((video) => join(videoFolder, `${video}.mp4`))));
  }
  const seconds = (name: string): number => median(found.get(name)!.map((m) => m.seconds));
  const text = median(texts), allowed = seconds(kinds[0][0]) + 2 * videos.length * text;
  console.log(`${videos.length} clips, ${values.rounds} rounds by turns, medians; ${values.random === undefined ? model : `random weights, ${values.random}`}; ${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}`);
  for (const [name, measured] of found)
    console.log(`${name.padEnd(22)} ${seconds(name).toFixed(2).padStart(8)} s  ${(seconds(name) / seconds(kinds[0][0])).toFixed(2).padStart(5)} times the first  model busy ${(100 * median(measured.map((m) => m.busy / m.seconds))).toFixed(0)} %`);
  console.log(`a prefill of text alone ${text.toFixed(3)} s; three questions cost ${(seconds(kinds[1][0]) / allowed).toFixed(2)} times one question and two of them (at most 1.2)`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
