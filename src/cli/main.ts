/** The command line: finds the command, reads its arguments, runs it, turns errors into one message and an exit code. */
import { isAbort, StaveError } from '../errors.ts';
import { staveVersion } from '../files/version.ts';
import { type Command, help, type Io, parseCommand, unknown } from './command.ts';
import { inFlags } from './flags.ts';
import { Interrupt } from './interrupt.ts';

/** Commands load when they are used: `stave --help` starts no engine. */
const commands: Record<string, { summary: string; load(): Promise<Command> }> = {
  demo: { summary: 'Watch the model in the box answer about a few clips', load: async () => (await import('./demo.ts')).demo },
  ask: { summary: 'Ask a question about a video or a picture', load: async () => (await import('./ask.ts')).ask },
  chat: { summary: 'Talk about videos and pictures', load: async () => (await import('./chat.ts')).chat },
  decide: { summary: 'Decide between given answers', load: async () => (await import('./decide.ts')).decide },
  plan: { summary: 'Say what a video or a picture would cost, without decoding it', load: async () => (await import('./plan.ts')).plan },
  pull: { summary: 'Download a model from the Hugging Face Hub', load: async () => (await import('./pull.ts')).pull },
  models: { summary: 'List the models in the caches, or remove one', load: async () => (await import('./models.ts')).models },
  convert: { summary: 'Make a checkpoint smaller: weights in 8 or 4 bits', load: async () => (await import('./convert.ts')).convert },
  render: { summary: 'Make labelled Motion-10 clips (real video files)', load: async () => (await import('./render.ts')).render },
  insert: { summary: 'Put temporal attention into a checkpoint that has none', load: async () => (await import('./insert.ts')).insert },
  merge: { summary: 'Take a LoRA adapter up into a checkpoint\'s weights', load: async () => (await import('./merge.ts')).merge },
  eval: { summary: 'Put benchmark questions to a model and score its answers', load: async () => (await import('./eval.ts')).evaluation },
  compare: { summary: 'Compare two runs of eval', load: async () => (await import('./compare.ts')).compare },
  report: { summary: 'Make a page of one or more runs of eval', load: async () => (await import('./report.ts')).report },
  data: { summary: 'Check conversations to train on, or look at one', load: async () => (await import('./data.ts')).data },
  webvid: { summary: 'Build WebVid-QA from captions with a language model', load: async () => (await import('./webvid.ts')).webvid },
  train: { summary: 'Train a model from a recipe', load: async () => (await import('./train.ts')).train },
  runs: { summary: 'List training runs and compare them', load: async () => (await import('./runs.ts')).runs },
  doctor: { summary: 'Check that everything stave needs works on this machine', load: async () => (await import('./doctor.ts')).doctor },
};

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  return [
    'stave: video language models that understand time', '',
    'usage: stave COMMAND [arguments]', '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`), '',
    'examples:',
    '  stave demo',
    '  stave ask clip.mp4 "What happens in this video?"',
    '  stave COMMAND --help', '',
  ].join('\n');
}

/** Runs one command line. @returns the exit code: 0, 1 for a failure, 2 for misuse, the Interrupt's (130 for Ctrl-C) when stopped from outside */
export async function main(argv: string[], io: Io): Promise<number> {
  const debug = argv.includes('--debug') && !(argv.includes('--') && argv.indexOf('--') < argv.indexOf('--debug'));
  let known: Command['options'] = {};
  try {
    const [name, ...rest] = argv;
    if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
      io.stdout.write(overview());
      return 0;
    }
    if (name === '--version' || name === '-V') {
      io.stdout.write(`${staveVersion()}\n`);
      return 0;
    }
    const wanted = name === 'help' ? rest[0] : name;
    const entry = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
    if (!entry) throw wanted.startsWith('-') ? unknown('option', wanted, ['--help', '--version']) : unknown('command', wanted, Object.keys(commands));
    const command = await entry.load();
    known = command.options;
    const { args, values } = parseCommand(command, name === 'help' ? ['--help'] : rest);
    if (values.help) io.stdout.write(help(command, io.stdout.columns || undefined));
    else return (await command.run(args, values, io)) ?? 0;
    return 0;
  } catch (error) {
    return report(error, io, debug, known);
  }
}

/** Tells what went wrong. @param known the command's options  @returns the exit code */
export function report(error: unknown, io: Io, debug: boolean, known: Command['options'] = {}): number {
  if (io.signal.aborted && isAbort(error)) {
    const { message, exitCode } = io.signal.reason instanceof Interrupt ? io.signal.reason : new Interrupt('interrupted', 130);
    if (message !== '') io.stderr.write(`${message}\n`);
    return exitCode;
  }
  if (error instanceof StaveError) io.stderr.write(`error: ${inFlags(error, known)}\n`);
  else io.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n→ this is not an error stave foresaw; --debug shows where it came from\n`);
  if (debug && error instanceof Error) io.stderr.write(`${error.stack}\n${error.cause ? `caused by ${error.cause instanceof Error ? error.cause.stack : String(error.cause)}\n` : ''}`);
  return error instanceof StaveError && error.code === 'USAGE' ? 2 : 1;
}
