/** The decoder: reads a clip that comes with stave, in a process of its own as always. */
import { join } from 'node:path';
import { boxClips } from '../../generate/index.ts';
import { decode, probe } from '../../video/index.ts';
import { checking } from './finding.ts';

const CLIP = 'closer.mp4';

export const checkDecoder = checking('decoder', async (signal) => {
  const path = join(boxClips, CLIP);
  const started = performance.now();
  const { codec, format, width, height } = await probe(path, { signal });
  let count = 0;
  let contrast = 0;
  for await (const { data } of decode(path, { signal })) {
    count++;
    contrast = Math.max(contrast, data.reduce((most, value) => Math.max(most, value), 0) - data.reduce((least, value) => Math.min(least, value), 255));
  }
  const found = `${CLIP}: ${count} frames of ${width}×${height}, ${codec} in ${format.split(',')[0]}, ${((performance.now() - started) / 1000).toFixed(1)} s`;
  if (count === 0 || contrast < 20) return { status: 'fail', found: `${found}: no picture in them`, fix: 'install stave again: its clips or its decoder are damaged' };
  return { status: 'ok', found };
});
