/** What do weights in few bits cost in accuracy? Clips are asked about as they are in Motion-10, with the model as it is and with converted weights: how far their
 * distributions over the next token are apart (KL divergence, nats) at every place of the first one's answer, how often the likeliest token is the same, and how many answers are right.
 * node bench/weights.ts --labels FILE.jsonl [--model DIR] [--weights int8,int4] [--clips 60] [--json]; stave render makes the labels and their clips.
 * A setting that names parts is written with + between them: --weights int8,vision:int8+language:int4+head:int4 */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StaveError } from '../src/errors.ts';
import { Clock } from '../src/generate/clock.ts';
import { boxModel, load, type FrameInput, type VideoModel } from '../src/generate/index.ts';
import { question } from '../src/generate/messages.ts';
import { prefill } from '../src/generate/prefill.ts';
import { textPositions } from '../src/models/qwen2vl/index.ts';
import { isRight, type Motion10Record } from '../src/tasks/index.ts';
import { decode } from '../src/video/index.ts';
import { weightSettings } from './shape/settings.ts';
import { divergence } from './weights/divergence.ts';

const { values } = parseArgs({ options: { model: { type: 'string', default: boxModel }, weights: { type: 'string', default: 'int8,int4' }, labels: { type: 'string' }, clips: { type: 'string', default: '60' }, json: { type: 'boolean' } } });
if (values.labels === undefined) throw new StaveError('USAGE', { what: '--labels is missing', fix: 'stave render FOLDER --count 100, then --labels FOLDER/labels.jsonl' });
const folder = dirname(resolve(values.labels));
const settings = ['f32', ...weightSettings(values.weights)];
const models = await Promise.all(settings.map((weights) => load(values.model, { weights })));
const [original] = models;
const tallies = settings.map((weights) => ({ weights, kl: 0, largest: 0, same: 0, places: 0, right: 0, differ: 0 }));
const records = (await readFile(values.labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
const clips = [...Map.groupBy(records.filter(({ kind }) => kind !== 'describe'), ({ video }) => video)].slice(0, Number(values.clips));

let asked = 0;
for (const [i, [video, questions]] of clips.entries()) {
  const frames = await framesOf(resolve(folder, video));
  const seen = new Set<string>();
  for (const record of questions.filter(({ kind }) => !seen.has(kind) && seen.add(kind))) {
    await compare(frames, record);
    asked++;
  }
  if (process.stderr.isTTY || (i + 1) % 10 === 0) process.stderr.write(`${i + 1}/${clips.length} clips\n`);
}
await Promise.all(models.map((model) => model.dispose()));
const results = tallies.map(({ kl, same, places, ...tally }, i) => ({ ...tally, kl: kl / places, agreement: same / places, accuracy: tally.right / asked, stored: models[i].info.weights }));
console.log(values.json ? JSON.stringify({ clips: clips.length, questions: asked, results }) : markdown());

/** One question to all models. */
async function compare(frames: FrameInput[], record: Motion10Record): Promise<void> {
  const answers = await Promise.all(models.map((model) => model.ask(frames, record.question, { max_new_tokens: 32 }).result()));
  const { token_ids } = answers[0];
  const expected = await distributions(original, frames, record.question, token_ids);
  for (const [i, tally] of tallies.entries()) {
    const found = i === 0 ? expected : await distributions(models[i], frames, record.question, token_ids);
    for (const [place, logits] of expected.entries()) {
      const { kl, same } = divergence(logits, found[place]);
      tally.kl += kl;
      tally.largest = Math.max(tally.largest, kl);
      tally.same += Number(same);
      tally.places++;
    }
    tally.right += Number(isRight(answers[i].text, record));
    tally.differ += Number(answers[i].text !== answers[0].text);
  }
}

/** Logits of each token of an answer that is given, the one that ends it included. */
async function distributions(model: VideoModel, frames: FrameInput[], text: string, answer: readonly number[]): Promise<Float32Array[]> {
  const { decoder, logits, prompt } = await prefill(model.loaded, question(frames, text), {}, new Clock());
  const given = answer.slice(0, -1);
  const more = await decoder.append({ ids: given, position_ids: textPositions(decoder.length, given.length, prompt.rope_delta) }, new Float32Array(), { rows: given.length });
  return [logits, ...given.map((_, i) => more.subarray(i * logits.length, (i + 1) * logits.length))];
}

/** The frames that the model would be shown of a file, at the size it gets them: decoded once for all. */
async function framesOf(path: string): Promise<FrameInput[]> {
  const { media: [clip] } = await original.plan(path);
  const found = new Map<number, FrameInput>();
  for await (const frame of decode(path, { pick: [...new Set(clip.frames.map(({ index }) => index))], size: clip.sizes.input, isolate: false })) found.set(frame.index, frame);
  return clip.frames.map(({ index }) => found.get(index)!);
}

function markdown(): string {
  return [
    `${clips.length} clips, ${asked} questions, ${tallies[0].places} tokens; ${cpus()[0].model}, Node ${process.version}`, '',
    '| weights | KL, mean | largest | same token | right | other answers |', '|---|---|---|---|---|---|',
    ...results.map(({ weights, kl, largest, agreement, accuracy, differ }) => `| ${weights} | ${kl.toExponential(1)} | ${largest.toExponential(1)} | ${(100 * agreement).toFixed(2)} % | ${(100 * accuracy).toFixed(1)} % | ${differ} |`),
  ].join('\n');
}
