/** An answer word by word, stopped when it gets too long to wait for.
 * npx node examples/stream.ts clip.mp4 "Describe this video." [milliseconds] [model directory] */
import { isAbort, load } from '../src/index.ts';

const [video, question = 'Describe this video.', milliseconds = '2000', dir] = process.argv.slice(2);
await using model = await load(dir);
const stop = new AbortController();
const timer = setTimeout(() => stop.abort(), Number(milliseconds));
try {
  for await (const piece of model.ask(video, question, { signal: stop.signal, temperature: 0.8, seed: 1 })) process.stdout.write(piece);
  process.stdout.write('\n');
} catch (error) {
  if (!isAbort(error)) throw error;
  process.stdout.write(' … stopped\n');
} finally {
  clearTimeout(timer);
}
