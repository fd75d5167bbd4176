/** The same question about every video in a folder. Run it again and it goes on where it stopped.
 * npx node examples/folder.ts clips/ answers.jsonl "Describe this video." [model directory] */
import { readdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { answerBatch, load, type BatchQuestion } from '../src/index.ts';

const [folder, out, question = 'Describe this video.', dir] = process.argv.slice(2);
const videos = (await readdir(folder)).filter((name) => /\.(mp4|mov|mkv|webm|avi|gif)$/i.test(name)).toSorted();
const questions = videos.map((name): BatchQuestion => ({ id: name, video: resolve(folder, name), question }));
await writeFile(`${out}.questions`, questions.map((line) => `${JSON.stringify(line)}\n`).join(''));

await using model = await load(dir);
const summary = await answerBatch(model, `${out}.questions`, out, { onAnswer: ({ done, total }) => console.log(`${done}/${total}`) });
console.log(`${summary.total} videos, ${summary.failed} could not be answered: see "error" in their lines of ${out}`);
