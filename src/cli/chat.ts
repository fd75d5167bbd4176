import { isAbort, StaveError } from '../errors.ts';
import { adapterOption, askOptions, frameOptions, inBytes, modelOption, reuseOption, textOptions } from './ask-options.ts';
import { Conversation } from './chat/conversation.ts';
import { described, obey } from './chat/orders.ts';
import type { Command, Io, Lines, Values } from './command.ts';
import { inFlags } from './flags.ts';
import { answerFooter } from './footer.ts';
import { deviceOption, loadModel, weightsOption } from './load-model.ts';
import { awaited } from './progress.ts';

export const chat: Command = {
  name: 'chat',
  summary: 'Talk about videos and pictures: questions from the terminal or, a line each, from a pipe. Ctrl-C stops an answer, Ctrl-D ends the chat.',
  args: [{ name: 'FILE', help: 'a video or picture; several in the order in which the model is to see them', many: true }],
  options: {
    ...modelOption,
    ...adapterOption,
    ...weightsOption,
    ...deviceOption,
    json: { type: 'boolean', help: 'print each answer with everything that led to it, as one line of JSON' },
    ...reuseOption,
    ...frameOptions,
    ...textOptions,
  },
  examples: ['stave chat clip.mp4', 'stave chat before.jpg clip.mp4 after.jpg --model Qwen/Qwen2-VL-2B-Instruct', 'stave chat clip.mp4 < questions.txt > answers.txt'],
  async run(files, values, io) {
    if (io.lines === undefined) throw new StaveError('USAGE', { what: 'there is no input to read questions from', fix: 'use stave ask for a single question' });
    const options = askOptions(values, io.signal);
    await using model = await loadModel(values, io, { reuse: inBytes(values, 'reuse') });
    using conversation = new Conversation(model, options);
    using lines = await io.lines();
    await conversation.begin(files, lines.typed);
    if (lines.typed) io.stderr.write(`${conversation.subjects.map(described).join('\n')}. Ask about ${files.length === 1 ? 'it' : 'them'}; /help lists what else can be typed.\n`);
    return (await talk(conversation, lines, values, io)) || lines.typed ? 0 : 1;
  },
};

/** Until the lines end. @returns whether all went well */
async function talk(conversation: Conversation, lines: Lines, values: Values, io: Io): Promise<boolean> {
  let well = true;
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    if (line.trim() === '') continue;
    try {
      if (!line.startsWith('/')) await answer(line.trim(), conversation, values, io);
      else {
        const told = await obey(line, conversation, lines.typed);
        if (told === undefined) break;
        io.stderr.write(`${told}\n`);
      }
    } catch (error) {
      if (!(error instanceof StaveError) || error.code === 'RUNTIME' || isAbort(error, io.signal)) throw error;
      well = false;
      const { code, what, why, fix } = error;
      if (values.json && !line.startsWith('/')) io.stdout.write(`${JSON.stringify({ question: line.trim(), error: { code, what, why, fix } })}\n`);
      else io.stderr.write(`error: ${inFlags(error, chat.options)}\n${code === 'LIMIT' ? '/clear forgets what was said, and all files but those it began with\n' : ''}`);
    }
  }
  return well;
}

/** One question. Ctrl-C leaves its answer where it is. @throws as an answer does */
async function answer(question: string, conversation: Conversation, values: Values, { stdout, stderr, signal, onInterrupt }: Io): Promise<void> {
  const stop = new AbortController();
  using _ = onInterrupt?.(() => stop.abort());
  const answering = conversation.ask(question, AbortSignal.any([signal, stop.signal]));
  let text = '';
  try {
    for await (const piece of awaited(answering, stderr)) {
      text += piece;
      if (!values.json) stdout.write(piece);
    }
  } catch (error) {
    if (!stop.signal.aborted || signal.aborted) throw error;
    if (!values.json && text !== '') stdout.write('\n');
    stderr.write(text === '' ? 'stopped\n' : 'stopped; what was said so far counts as the answer\n');
    if (text !== '') conversation.keep(question, text);
    return;
  }
  const result = await answering.result();
  conversation.keep(question, result.text);
  if (values.json) stdout.write(`${JSON.stringify({ question, ...result })}\n`);
  else {
    stdout.write('\n');
    stderr.write(`${answerFooter(result)}\n`);
  }
}
