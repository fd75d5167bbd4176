/** Synthetic answers put into a ledger by a process that will be killed: says each question that it answers and each answer that is kept. Arguments: ledger, questions. */
import { writeSync } from 'node:fs';
import { Ledger } from '../../src/eval/ledger.ts';

const [file, count] = process.argv.slice(2);
const say = (word: string, what: number) => writeSync(1, `${word} ${what}\n`); // in the pipe before anything can kill us
await using ledger = await Ledger.open(file, { ledger: 'stave eval 1', model: { name: 'm', fingerprint: 'f' }, protocol: 'paper' }, {});
for (let id = 0; id < Number(count); id++) {
  if (ledger.lines.has(`t#${id}`)) continue;
  say('asked', id);
  const answer = `Answer ${id}`;
  await ledger.append({ task: 't', id, question: 'q', prompt: 'p', text: answer, answer, finish_reason: 'stop', seen: [], without: [], tokens: { prompt: 1, visual: 0, answer: 1 }, seconds: 0 });
  say('kept', id);
}
