/** A thread that packs rows as they come. */
import { parentPort } from 'node:worker_threads';
import { pack } from '../weights/index.ts';
import type { PackAnswer, PackJob } from './packers.ts';

const port = parentPort!;

port.on('message', ({ rows, options }: PackJob) => {
  let answer: PackAnswer;
  try {
    answer = { packed: pack(rows, options) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answer = { notFinite: error.message };
  }
  const buffers = 'packed' in answer ? Object.values(answer.packed).map((array) => array.buffer as ArrayBuffer) : [];
  port.postMessage(answer, buffers);
});
