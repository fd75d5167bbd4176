/** A run in a process of its own, to be killed: says each question that it asks and each answer that is kept. Arguments: root of the data, output. */
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { evaluate } from '../../src/eval/index.ts';
import { fakeModel } from './fake.ts';

const [data, output] = process.argv.slice(2);
const say = (word: string, what: string | number) => writeSync(1, `${word} ${what}\n`); // in the pipe before anything can kill us
const model = fakeModel(async (prompt) => {
  say('asked', prompt);
  if (Number(prompt) % 7 === 0) await setTimeout(1);
  return `Answer ${prompt}`;
});
await evaluate({ model, tasks: ['motion10'], data, output, onProgress: ({ allDone }) => say('kept', allDone) });
say('done', 0);
