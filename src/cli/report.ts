import { writeReport } from '../eval/index.ts';
import { number, string, type Command } from './command.ts';
import { Progress } from './progress.ts';

export const report: Command = {
  name: 'report',
  summary: 'Make a page of one or more runs of stave eval: tables, bars, differences, questions with frames and answers',
  args: [{ name: 'RUN', help: 'the --output of a finished stave eval; further ones stand beside it and are compared with it', many: true }],
  options: {
    out: { type: 'string', short: 'o', value: 'DIR', help: 'where index.html, report.json, results.csv and samples.csv go (default: report in the first run\'s folder)' },
    data: { type: 'string', short: 'd', value: 'ROOT', help: 'the data, to show frames from (default: where the first run had it)' },
    samples: { type: 'string', value: 'N', default: '40', help: 'questions of each task on the page at most, wrong ones first' },
    frames: { type: 'string', value: 'N', default: '6', help: 'frames of a video that are shown at most; 0: no pictures' },
    json: { type: 'boolean', help: 'print where the page is, and how much is on it, as one line of JSON' },
  },
  examples: ['stave report runs/a', 'stave report runs/a runs/b --out report'],
  async run(runs, values, { stdout, stderr, signal }) {
    using progress = new Progress(stderr, { every: 30 });
    const { page, shown, questions, withoutPicture } = await writeReport(runs, {
      out: string(values, 'out'),
      data: string(values, 'data'),
      samples: number(values, 'samples', { min: 0, integer: true }),
      frames: number(values, 'frames', { min: 0, integer: true }),
      signal,
      onProgress: ({ done, total }) => progress.show(`pictures: ${done}/${total} questions`),
    });
    progress.clear();
    stdout.write(values.json ? `${JSON.stringify({ page, shown, questions, withoutPicture })}\n` : `${page}\n`);
    if (!values.json) stderr.write(`${shown} of ${questions} questions are on the page${withoutPicture > 0 ? `, ${withoutPicture} of them without some of their pictures: the page says why` : ''}\n`);
  },
};
