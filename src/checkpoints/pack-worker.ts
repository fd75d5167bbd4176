/** A thread that packs rows as they come. */
import { parentPort } from 'node:worker_threads';
import { doJob, type PackAnswer, type PackJob } from './packers.ts';

const port = parentPort!;

port.on('message', (job: PackJob) => {
  let answer: PackAnswer;
  try {
    answer = { packed: doJob(job) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answer = { notFinite: error.message };
  }
  const buffers = 'packed' in answer ? Object.values(answer.packed).map((array) => array.buffer as ArrayBuffer) : [];
  port.postMessage(answer, buffers);
});
