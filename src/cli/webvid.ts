import { StaveError } from '../errors.ts';
import { buildWebvidQa } from '../eval/index.ts';
import { protocols } from '../tasks/index.ts';
import { choice, number, string, type Command } from './command.ts';
import { Progress } from './progress.ts';
import { writerOf, writerOptions } from './writer-options.ts';

export const webvid: Command = {
  name: 'webvid',
  summary: 'Build WebVid-QA: a language model writes questions and answers to captions, to train on',
  args: [{ name: 'FOLDER', help: 'WebVid\'s CSV files, with the columns videoid, contentUrl, duration, page_dir and name (the caption)' }],
  options: {
    writer: { type: 'string', value: 'URL|MODEL', help: 'who writes: an endpoint that speaks OpenAI\'s chat API (http://localhost:8000/v1), or a model that stave runs' },
    ...writerOptions('writer'),
    out: { type: 'string', short: 'o', value: 'FOLDER', help: 'where records.jsonl (to train on), webvid_qa.jsonl and the replies go; one that holds replies already is gone on with' },
    limit: { type: 'string', value: 'N', help: 'the N longest captions (default: a million, as the authors took)' },
    protocol: { type: 'string', value: 'paper|strict', default: 'paper', help: 'a record has the last question alone, or those before it too' },
    videos: { type: 'string', value: 'FOLDER', help: 'put before the videos\' names in the records (default: nothing; a recipe\'s media says where they lie)' },
    threads: { type: 'string', value: 'N', help: 'threads of the engine, for a model that stave runs (default: all cores)' },
    json: { type: 'boolean', help: 'print the counts as one line of JSON' },
  },
  examples: ['stave webvid data/webvid/csv --writer http://localhost:8000/v1 --out data/webvid-qa', 'stave data check data/webvid-qa/records.jsonl --media data/webvid/data_mp4'],
  async run([captions], values, io) {
    const writer = writerOf(values, 'writer', io), output = string(values, 'out');
    if (writer === undefined || output === undefined) throw new StaveError('USAGE', { what: `--${writer === undefined ? 'writer' : 'out'} is missing`, fix: 'stave webvid FOLDER --writer http://localhost:8000/v1 --out data/webvid-qa' });
    using progress = new Progress(io.stderr, { every: 30 });
    const outcome = await buildWebvidQa({
      captions, output, writer,
      most: number(values, 'limit', { min: 1, integer: true }),
      protocol: choice(values, 'protocol', protocols),
      folder: string(values, 'videos'),
      signal: io.signal,
      onProgress: ({ done, total }) => progress.show(`${done}/${total} replies`),
    });
    progress.clear();
    const { captions: all, asked, samples, dropped, records } = outcome;
    if (values.json) io.stdout.write(`${JSON.stringify(outcome)}\n`);
    else io.stdout.write(`${all} captions, ${asked} replies written now; ${samples} records, ${dropped} captions dropped for replies without a question and its answer: ${records}\n`);
  },
};
