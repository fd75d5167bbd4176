import { join } from 'node:path';
import { isAbort, StaveError } from '../errors.ts';
import { clipClasses, parseClipClass, renderSet } from '../tasks/index.ts';
import { choice, number, string, type Command } from './command.ts';
import { Progress } from './progress.ts';
import { duration, rate } from './units.ts';

export const render: Command = {
  name: 'render',
  summary: 'Make labelled Motion-10 clips: real video files and a labels.jsonl with a line per question',
  args: [{ name: 'FOLDER', help: 'where the clips go; run again with the same settings, it goes on where it stopped' }],
  options: {
    count: { type: 'string', short: 'n', value: 'N', default: '20', help: 'how many clips' },
    seed: { type: 'string', value: 'SEED', default: '1', help: 'the same seed makes the same clips' },
    class: { type: 'string', value: 'CLASS,…', help: `only these, with commas between: action, count, ${clipClasses.join(', ')}` },
    codec: { type: 'string', value: 'h264|vp9', help: 'encode all clips with it (default: three of four h264, the others vp9)' },
    json: { type: 'boolean', help: 'one JSON line per clip, and a summary' },
  },
  examples: ['stave render out/ --count 20 --seed 1', 'stave render out/ --count 5 --class clockwise,anticlockwise'],
  async run([folder], values, { stdout, stderr, signal }) {
    const count = number(values, 'count', { min: 1, max: 1e7, integer: true });
    if (count === undefined) throw new StaveError('USAGE', { what: '--count is missing' });
    using progress = new Progress(stderr, { every: 30 });
    const started = performance.now();
    let rendered = 0, done = 0;
    const result = await renderSet(folder, {
      count,
      seed: string(values, 'seed') ?? '1',
      classes: string(values, 'class')?.split(',').flatMap(parseClipClass),
      codec: choice(values, 'codec', ['h264', 'vp9']),
      signal,
      onClip: (clip) => {
        done = clip.done;
        if (clip.rendered) rendered++;
        if (values.json) stdout.write(`${JSON.stringify({ video: clip.clip.video, class: clip.clip.class, rendered: clip.rendered })}\n`);
        const seconds = (performance.now() - started) / 1000;
        progress.show(`${clip.done}/${count} clips${rendered > 0 ? `, ${rate(rendered / seconds)} a second, ETA ${duration(((count - clip.done) * seconds) / rendered)}` : ''}`);
      },
    }).catch((error: unknown) => {
      progress.clear();
      if (isAbort(error, signal)) stderr.write(`stopped after ${done} of ${count} clips${done > 0 ? `, their questions are in ${join(folder, 'labels.jsonl')}` : ''}; the same command goes on there\n`);
      throw error;
    });
    progress.clear();
    stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${result.rendered} clips rendered, ${result.kept} were there already; questions and answers: ${result.labels}\n`);
  },
};
