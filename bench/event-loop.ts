/** How long does stave hold the event loop? The longest turn of each part, in processor time of the main thread: a busy machine does not show.
 * node bench/event-loop.ts [model directory] [video] */
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { load, planVideo, type AskOptions } from '../src/generate/index.ts';

const goldens = fileURLToPath(new URL('../test/goldens/', import.meta.url));
const [dir = `${goldens}models/staveq2`, video = `${goldens}video/h264_bframes_30fps.mp4`] = process.argv.slice(2);

console.log(`${cpus()[0].model}, Node ${process.version}, ${dir}`);
await longestTurn('plan', () => planVideo(dir, video));
const model = await longestTurn('load', async () => {
  const loaded = await load(dir, { threads: 2 });
  await loaded.ready();
  return loaded;
});
const ask = (name: string, options: AskOptions) => longestTurn(name, () => model.ask(video, 'What happens in this video?', { max_new_tokens: 16, ...options }).result());
await ask('first answer', {});
await ask('second answer', {});
await ask('every frame', { sampling: { rule: 'all' } });
await ask('2 frames of 1 megapixel', { sampling: { rule: 'count', frames: 2 }, min_pixels: 1e6, max_pixels: 1.1e6 });
await model.dispose();

/** Runs `work` and prints the most processor time that one turn of the event loop took meanwhile, in milliseconds. */
async function longestTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  let longest = 0;
  let running = true;
  let before = spent();
  const turn = () => {
    const now = spent();
    longest = Math.max(longest, now - before);
    before = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    return await work();
  } finally {
    running = false;
    turn();
    console.log(`${name.padEnd(26)} ${longest.toFixed(1).padStart(6)} ms`);
  }
}

function spent(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
