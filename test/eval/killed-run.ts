/** A run in a process of its own, to be killed: says each question that it answers and each answer that is kept. Arguments: task, root of the data, output, address of a judge. */
import { writeSync } from 'node:fs';
import { endpointJudge, evaluate } from '../../src/eval/index.ts';
import { fakeModel } from './fake.ts';

const [task, data, output, url] = process.argv.slice(2);
const say = (word: string, what: string | number) => writeSync(1, `${word} ${what}\n`); // in the pipe before anything can kill us
const model = fakeModel((prompt) => {
  say('asked', JSON.stringify(prompt));
  return `Answer ${prompt}`;
});
const judge = url === undefined ? undefined : endpointJudge({ url, concurrency: 3 });
await evaluate({ model, tasks: [task], data, output, judge, onProgress: ({ allDone }) => say('kept', allDone) });
