/** Rendered Motion-10 clips as conversations to train on, in the form that LLaMA-Factory and ms-swift use: a line per clip, its questions one after the other.
 * npx stave render clips/ --count 100; npx node examples/messages.ts clips/ clips/data.jsonl */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Motion10Record } from '../src/index.ts';

const [folder, out] = process.argv.slice(2);
const records = (await readFile(join(folder, 'labels.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
const clips = Map.groupBy(records, ({ video }) => video);
const rows = Array.from(clips, ([video, asked]) => ({
  id: video,
  messages: asked.flatMap(({ question, answer }, i) => [
    { role: 'user', content: i === 0 ? `<video>${question}` : question },
    { role: 'assistant', content: answer },
  ]),
  videos: [relative(dirname(out), join(folder, video))],
}));
await writeFile(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
console.log(`${rows.length} conversations, ${records.length} answers: ${out}`);
