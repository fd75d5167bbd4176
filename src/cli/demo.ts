import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { StaveError } from '../errors.ts';
import { boxClips, boxModel, load, type VideoModel } from '../generate/index.ts';
import { isRight, type Motion10Record } from '../tasks/index.ts';
import { decode, frameTimes, sampleCount, type Frame } from '../video/index.ts';
import type { Command, Io } from './command.ts';
import { hasColor, strip } from './picture.ts';

/** So that the demo takes seconds: clips, questions about each, tokens of an answer. */
const most = { clips: 8, questions: 3, tokens: 48 };

export const demo: Command = {
  name: 'demo',
  summary: 'Watch the model in the box answer about a few clips',
  args: [],
  options: { json: { type: 'boolean', help: 'one JSON line per question' } },
  examples: ['stave demo'],
  async run(_args, values, io) {
    const started = performance.now();
    const records = await labels();
    await using model = await load(boxModel, { signal: io.signal });
    if (!values.json) io.stdout.write(`The model in the box: ${(model.info.parameters / 1e6).toFixed(1)} million parameters, trained by stave on clips that stave drew. It has not seen these.\n`);
    let right = 0;
    let shown = '';
    for (const record of records) {
      const video = join(boxClips, record.video);
      if (!values.json && record.video !== shown) await show(video, record.video, io);
      shown = record.video;
      if (await askOne(model, video, record, values.json === true, io)) right++;
    }
    if (values.json) return;
    const seconds = (performance.now() - started) / 1000;
    io.stdout.write(`\n${right} of ${records.length} right in ${seconds.toFixed(1)} s. Ask it yourself:\n  npx stave ask ${relative('', join(boxClips, records[0].video))} "What is the action happening in this video?"\n`);
  },
};

/** The first questions about the first clips. */
async function labels(): Promise<Motion10Record[]> {
  const file = join(boxClips, 'labels.jsonl');
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('IO', { what: `cannot read ${file}`, why: cause.message, fix: 'install stave again: its clips are missing', cause });
  });
  const all = text.trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
  const clips = [...new Set(all.map(({ video }) => video))].slice(0, most.clips);
  return clips.flatMap((clip) => all.filter(({ video }) => video === clip).slice(0, most.questions));
}

/** Five frames of the clip side by side, or as many as the terminal is wide enough for. */
async function show(path: string, name: string, { stdout, signal }: Io): Promise<void> {
  const width = Math.min(stdout.columns || 80, 100);
  const { indices } = sampleCount(await frameTimes(path, { signal }), Math.min(5, Math.max(1, Math.floor(width / 9))));
  const frames: Frame[] = [];
  for await (const frame of decode(path, { pick: indices, signal })) frames.push(frame);
  stdout.write(`\n${name}\n${strip(frames, { width, color: hasColor(stdout) })}\n`);
}

async function askOne(model: VideoModel, video: string, record: Motion10Record, json: boolean, { stdout, signal }: Io): Promise<boolean> {
  const result = await model.ask(video, record.question, { signal, max_new_tokens: most.tokens }).result();
  const right = isRight(result.text, record);
  if (json) stdout.write(`${JSON.stringify({ video: record.video, question: record.question, answer: result.text, truth: record.answer, right })}\n`);
  else stdout.write(`  question  ${record.question}\n  answer    ${result.text}\n  truth     ${record.answer}  ${right ? '✓' : '✗'}\n`);
  return right;
}
