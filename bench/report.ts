/** How often is a model right on Motion-10, and does it look at time? Fresh clips as real files, then the same frames reversed and one frame repeated.
 * node bench/report.ts [--model DIR] [--count 2000] [--seed report] [--labels FILE.jsonl] [--json] */
import { mkdir, readFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { boxModel, load, type FrameInput, type VideoModel } from '../src/generate/index.ts';
import { actionQuestion, renderSet, score, type Motion10Record, type Motion10Result } from '../src/tasks/index.ts';
import { decode } from '../src/video/index.ts';

const { values } = parseArgs({ options: { model: { type: 'string', default: boxModel }, count: { type: 'string', default: '2000' }, seed: { type: 'string', default: 'report' }, labels: { type: 'string' }, json: { type: 'boolean' } } });
const count = Number(values.count);
await using model: VideoModel = await load(values.model);
const { records, folder } = values.labels === undefined ? await rendered() : await labelled(values.labels);
const clips = Map.groupBy(records, ({ video }) => video);

const answers: Answers = [], reversed: Answers = [], repeated: Answers = [];
type Answers = { record: Motion10Record; answer: string }[];
let done = 0;
for (const [video, questions] of clips) {
  const frames = await framesOf(resolve(folder, video));
  for (const record of questions) answers.push({ record, answer: await answer(frames, record.question) });
  const action = questions.find(({ kind }) => kind === 'action');
  if (action) {
    const record = { ...action, question: actionQuestion };
    reversed.push({ record, answer: await answer(frames.toReversed(), actionQuestion) });
    repeated.push({ record, answer: await answer(frames.map(() => frames[frames.length >> 1]), actionQuestion) });
  }
  done++;
  if (process.stderr.isTTY || done % 50 === 0) process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}${done}/${clips.size} clips, ${(100 * score(answers).overall.accuracy).toFixed(1)} % right${process.stderr.isTTY ? '' : '\n'}`);
}
const results = { fresh: score(answers), reversed: score(reversed), repeated: score(repeated) };
console.log(values.json ? JSON.stringify(results) : markdown(results));

/** Renders the set, or what is missing of it; one question of each kind is asked of a clip. */
async function rendered(): Promise<{ records: Motion10Record[]; folder: string }> {
  const folder = join(tmpdir(), 'stave-report', `${values.seed}-${count}`);
  await mkdir(folder, { recursive: true });
  const { labels } = await renderSet(folder, { count, seed: values.seed, onClip: ({ done, rendered }) => rendered && done % 100 === 0 && process.stderr.write(`${done}/${count} clips rendered\n`) });
  const { records } = await labelled(labels);
  const seen = new Set<string>();
  const first = ({ video, kind }: Motion10Record) => !seen.has(`${video} ${kind}`) && Boolean(seen.add(`${video} ${kind}`));
  return { records: records.filter(first), folder };
}

async function labelled(file: string): Promise<{ records: Motion10Record[]; folder: string }> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return { records: lines.map((line) => JSON.parse(line) as Motion10Record), folder: dirname(resolve(file)) };
}

/** The frames that the model would be shown of a file, at the size it gets them: decoded once for all questions. */
async function framesOf(path: string): Promise<FrameInput[]> {
  const { media: [clip] } = await model.plan(path);
  const found = new Map<number, FrameInput>();
  for await (const frame of decode(path, { pick: [...new Set(clip.frames.map(({ index }) => index))], size: clip.sizes.input, isolate: false })) found.set(frame.index, frame);
  return clip.frames.map(({ index }) => found.get(index)!);
}

async function answer(frames: FrameInput[], question: string): Promise<string> {
  return (await model.ask(frames, question, { max_new_tokens: 32 }).result()).text;
}

function markdown({ fresh, reversed, repeated }: { fresh: Motion10Result; reversed: Motion10Result; repeated: Motion10Result }): string {
  return [
    `${clips.size} clips, ${cpus()[0].model}, Node ${process.version}, \`node bench/report.ts ${process.argv.slice(2).join(' ')}\``, '',
    '| asked about | right | questions |', '|---|---|---|',
    ...Object.entries(fresh.kinds).map(([kind, result]) => `| ${kind} | ${percent(result)} |`), '',
    '| action | right | clips |', '|---|---|---|',
    ...Object.entries(fresh.actions).map(([action, result]) => `| ${action} | ${percent(result)} |`), '',
    '| the same clips with | the action itself | the opposite action | clips |', '|---|---|---|---|',
    ...[['frames in order', { ...fresh, overall: fresh.kinds.action ?? fresh.overall }] as const, ['frames reversed', reversed] as const, ['one frame repeated', repeated] as const].map(
      ([name, r]) => `| ${name} | ${(100 * r.overall.accuracy).toFixed(1)} % | ${(100 * r.opposites.accuracy).toFixed(1)} % | ${r.overall.total} |`,
    ),
  ].join('\n');
}

function percent({ accuracy, total }: { accuracy: number; total: number }): string {
  return `${(100 * accuracy).toFixed(1)} % | ${total}`;
}
