import { StaveError } from '../errors.ts';
import { answerBatch, type BatchOptions, type Throughput, type VideoModel } from '../generate/index.ts';
import { percent } from '../pages/percent.ts';
import { adapterOption, askedFile, askOptions, frameOptions, inBytes, modelOption, reuseOption, textOptions } from './ask-options.ts';
import { string, type Command, type Io, type Values } from './command.ts';
import { decideOne, decideOptions, splitChoices, weighing } from './decide.ts';
import { answerFooter } from './footer.ts';
import { deviceOption, loadModel, weightsOption } from './load-model.ts';
import { awaited, Progress } from './progress.ts';
import { duration, rate } from './units.ts';

export const ask: Command = {
  name: 'ask',
  summary: 'Ask a question about a video or a picture',
  args: [
    { name: 'VIDEO', help: 'a video file, or a picture (left out with --batch)', optional: true },
    { name: 'QUESTION', help: 'the question, in quotes', optional: true },
  ],
  options: {
    ...modelOption,
    ...adapterOption,
    ...weightsOption,
    ...deviceOption,
    json: { type: 'boolean', help: 'print the answer with everything that led to it, as one line of JSON' },
    batch: { type: 'string', value: 'FILE', help: 'questions as JSON lines {"id", "video", "question"}; paths are taken from the file\'s folder' },
    out: { type: 'string', value: 'FILE', help: 'where the answers of --batch go, a line each; run again, it goes on where it stopped' },
    ahead: { type: 'string', value: 'MB', help: 'with --batch: memory for clips that are decoded while the model works (default 64, at most a sixteenth of the memory)' },
    reuse: { ...reuseOption.reuse, help: `with --batch: ${reuseOption.reuse.help}` },
    choices: { type: 'string', value: 'A,B,…', help: 'decide between these answers, as stave decide does' },
    ...weighing,
    ...frameOptions,
    ...textOptions,
    temperature: { ...textOptions.temperature, help: `${textOptions.temperature.help}; with --choices: over 1 more cautious, under 1 surer` },
  },
  examples: [
    'stave ask clip.mp4 "What happens in this video?"',
    'stave ask clip.mp4 "Which moved first, the red circle or the blue square?" --json',
    'stave ask clip.mp4 "What is this?" --model DIR --frames 32',
    'stave ask photo.jpg "What is this?" --model DIR',
    'stave ask clip.mp4 "What is this?" --model BASE_DIR --adapter ADAPTER_DIR',
    'stave ask clip.mp4 "What is done to the door?" --choices "open,close,push"',
    'stave ask --batch questions.jsonl --out answers.jsonl',
  ],
  async run([video, question], values, io) {
    const batch = string(values, 'batch');
    const out = string(values, 'out');
    if ((batch === undefined) !== (out === undefined)) throw new StaveError('USAGE', { what: '--batch and --out go together', fix: 'stave ask --batch questions.jsonl --out answers.jsonl' });
    if (batch !== undefined && video !== undefined) throw new StaveError('USAGE', { what: `--batch takes videos and questions from ${batch}, but "${video}" was given too`, fix: 'leave it out, or ask about it without --batch' });
    if (batch === undefined && question === undefined) throw new StaveError('USAGE', { what: video === undefined ? 'a video and a question are missing' : 'the question is missing', fix: 'stave ask clip.mp4 "What happens in this video?"' });
    const surplus = batch === undefined ? ['reuse', 'ahead'].find((name) => values[name] !== undefined) : undefined;
    if (surplus !== undefined) throw new StaveError('USAGE', { what: `--${surplus} goes with --batch: there is one question only`, fix: 'leave it out' });
    if (question?.trim() === '') throw new StaveError('USAGE', { what: 'the question is empty', fix: 'stave ask clip.mp4 "What happens in this video?"' });
    const choices = choicesOf(values);
    const options = askOptions(values, io.signal);
    await using model = await loadModel(values, io, { reuse: batch === undefined ? 0 : inBytes(values, 'reuse') }); // nothing comes after a single question
    if (batch !== undefined) await askBatch(model, batch, out!, values, choices === undefined ? options : { ...decideOptions(values, io.signal), choices }, io);
    else if (choices !== undefined) await decideOne(model, video, question, choices, values, decideOptions(values, io.signal), io);
    else await askOne(model, video, question, values, options, io);
  },
};

type Options = ReturnType<typeof askOptions>;

/** @throws USAGE for options that say how an answer is written, or how choices are weighed, where there is none */
function choicesOf(values: Values): string[] | undefined {
  const text = string(values, 'choices');
  const surplus = (text === undefined ? Object.keys(weighing) : ['max-tokens', 'top-k', 'top-p', 'repetition-penalty', 'presence-penalty', 'seed']).find((name) => values[name] !== undefined);
  if (surplus !== undefined) throw new StaveError('USAGE', { what: text === undefined ? `--${surplus} goes with --choices` : `--${surplus} cannot go with --choices`, fix: text === undefined ? 'leave it out, or give --choices "open,close"' : 'leave one of them out' });
  return text === undefined ? undefined : splitChoices(text);
}

async function askOne(model: VideoModel, video: string, question: string, values: Values, options: Options, { stdout, stderr }: Io): Promise<void> {
  const answer = model.ask(await askedFile(video, options), question, options);
  if (values.json) {
    stdout.write(`${JSON.stringify({ video, question, ...(await answer.result()) })}\n`);
    return;
  }
  for await (const piece of awaited(answer, stderr)) stdout.write(piece);
  stdout.write('\n');
  stderr.write(`${answerFooter(await answer.result())}\n`);
}

async function askBatch(model: VideoModel, file: string, out: string, values: Values, options: BatchOptions, { stdout, stderr, signal }: Io): Promise<void> {
  using progress = new Progress(stderr, { every: 30 });
  const started = performance.now();
  const summary = await answerBatch(model, file, out, {
    ...options,
    ahead: inBytes(values, 'ahead'),
    signal,
    onAnswer: ({ done, total, failed, answered }) => {
      const seconds = (performance.now() - started) / 1000;
      progress.show(`${done}/${total} answered, ${failed} failed, ${rate(answered / seconds)} a second, ETA ${duration(((total - done) * seconds) / answered)}`);
    },
  });
  progress.clear();
  if (values.json) stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    stdout.write(`${summary.answered} answered now, ${summary.skipped} were there already, ${summary.failed} of ${summary.total} failed${summary.failed > 0 ? ' (their lines say why; take them out to ask them again)' : ''}: ${out}\n`);
    if (summary.throughput !== null) stderr.write(`${throughputLine(summary.throughput)}\n`);
  }
}

function throughputLine({ seconds, questions_per_second, frames_per_second, model_busy }: Throughput): string {
  return `${rate(questions_per_second)} questions and ${rate(frames_per_second)} frames a second · the model was busy ${percent(model_busy)} of ${duration(seconds)}`;
}
