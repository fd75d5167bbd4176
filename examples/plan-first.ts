/** As many frames as fit: what an answer will take is known before anything is decoded.
 * npx node examples/plan-first.ts clip.mp4 "What happens?" [tokens] [model directory] */
import { load, type AskOptions } from '../src/index.ts';

const [video, question = 'What happens?', tokens = '200', dir] = process.argv.slice(2);
await using model = await load(dir);
for (const frames of [64, 32, 16, 8, 4, 2]) {
  const options: AskOptions = { sampling: { rule: 'count', frames }, max_new_tokens: 32 };
  const { prompt_tokens, memory, grid } = await model.plan(video, question, options);
  console.log(`${frames} frames: grid ${grid?.join('×')}, ${prompt_tokens} tokens, about ${(memory.total / 1e6).toFixed(0)} MB`);
  if (prompt_tokens > Number(tokens)) continue;
  console.log((await model.ask(video, question, options).result()).text);
  break;
}
