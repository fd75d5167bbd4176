/** Does the vision encoder's time grow with the frames, and its memory not? Clips of noise, each in a process of its own; random weights of a checkpoint's shape, with temporal attention.
 * node bench/frames.ts [shape] [frames,…] [whole]: with `whole` all of a clip goes through at once, as without slices */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Encoded, Task } from './frames/encode.ts';
import { writeShape } from './shape/checkpoint.ts';
import { inProcess } from './shape/process.ts';
import { shapeNames, type ShapeName } from './shape/shapes.ts';

const [shape = 'small', list = '16,64,256', whole] = process.argv.slice(2);
if (!shapeNames.includes(shape as ShapeName)) throw new Error(`there is no shape "${shape}": give one of ${shapeNames.join(', ')}`);
const folder = await mkdtemp(join(tmpdir(), 'stave-frames-'));
try {
  const dir = join(folder, shape);
  await writeShape(dir, shape as ShapeName, true);
  console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}, ${shape} with temporal attention, frames of 224×308${whole ? ', the whole clip at once' : ''}`);
  for (const frames of list.split(',').map(Number)) {
    const { seconds, cpu, loaded, peak } = await inProcess<Encoded, Task>('../frames/encode.ts', { dir, frames, ...(whole && { bytes: Number.MAX_SAFE_INTEGER }) }, new AbortController().signal);
    console.log(`${String(frames).padStart(4)} frames: ${seconds.toFixed(2)} s, ${((1000 * cpu) / frames).toFixed(1)} ms of processor time a frame, peak memory ${mb(peak)} MB, ${mb(peak - loaded)} over the loaded model`);
  }
} finally {
  await rm(folder, { recursive: true });
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
