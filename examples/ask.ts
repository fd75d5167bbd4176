/** One question about one video.
 * npx node examples/ask.ts clip.mp4 "What is the action happening in this video?" [model directory] */
import { load } from '../src/index.ts'; // in your own project: from 'stave'

const [video, question = 'What is the action happening in this video?', dir] = process.argv.slice(2);
await using model = await load(dir); // without a directory: the model that comes with stave
const { text, frames, duration, timings } = await model.ask(video, question).result();
console.log(text);
console.log(`${frames.length} frames of ${duration?.toFixed(1)} s, answered in ${timings.total.toFixed(2)} s`);
