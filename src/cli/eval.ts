import { StaveError } from '../errors.ts';
import { checkData, evaluate, listBenchmarks, missingRules, parseShard, runModes, storedModel, type EvalOutcome, type EvalProgress } from '../eval/index.ts';
import { benchmarkNames, protocols } from '../tasks/index.ts';
import { percent } from '../pages/percent.ts';
import { adapterOption, modelDir, modelOption, threads } from './ask-options.ts';
import { choice, number, string, type Command, type Io, type Values } from './command.ts';
import { benchmarkList, checkReport, resultTable } from './eval-text.ts';
import { device, deviceOption, loading, weightsOption } from './load-model.ts';
import { Progress } from './progress.ts';
import { writerOf, writerOptions } from './writer-options.ts';
import { duration } from './units.ts';

export const evaluation: Command = {
  name: 'eval',
  summary: 'Put benchmark questions to a model and score its answers',
  args: [{ name: 'check', help: 'only look at the data: what is missing, can\'t be read or isn\'t expected', optional: true }],
  options: {
    ...modelOption,
    ...adapterOption,
    ...weightsOption,
    ...deviceOption,
    tasks: { type: 'string', short: 't', value: 'NAME,…', help: `what is asked, with commas between: ${benchmarkNames.join(', ')}, or a task of a group, like mvbench_action_count` },
    data: { type: 'string', short: 'd', value: 'ROOT', help: 'the folder in which all data sets lie' },
    output: { type: 'string', short: 'o', value: 'FOLDER', help: 'where answers and results go; one that holds answers already is gone on with' },
    protocol: { type: 'string', value: 'paper|strict', default: 'paper', help: 'as the published numbers were made, or with what decides by accident repaired' },
    mode: { type: 'string', value: 'MODE', default: 'generate', help: 'generate: answers in the model\'s own words; decide: the likeliest of the answers that a question can have, several times faster; both: one after the other' },
    limit: { type: 'string', value: 'N', help: 'only the first N questions of each task' },
    shard: { type: 'string', value: 'K/N', help: 'only the questions on every N-th video, beginning with the K-th: N processes or machines share the work' },
    resume: { type: 'boolean', help: 'go on with the answers in --output, and refuse to begin anew (without it both are done)' },
    missing: { type: 'string', value: 'RULE', default: 'error', help: 'questions whose video is missing or cannot be read: error, skip, or ask-without (as the reference does); the results count them' },
    judge: { type: 'string', value: 'URL|MODEL', help: 'who reads answers that the rules leave open: an endpoint that speaks OpenAI\'s chat API (http://localhost:8000/v1), or a model that stave runs (default: nobody; they count as unmatched)' },
    ...writerOptions('judge'),
    threads: { type: 'string', value: 'N', help: 'threads of the engine (default: all cores)' },
    list: { type: 'boolean', help: 'show what can be run, what has to lie where, and published numbers' },
    json: { type: 'boolean', help: 'print the results as one line of JSON' },
  },
  examples: ['stave render data/motion10 --count 100', 'stave eval --tasks motion10 --data data --output runs/box', 'stave eval --list', 'stave eval check --tasks mvbench,videomme --data ROOT'],
  async run([what], values, io) {
    if (what !== undefined && what !== 'check') throw new StaveError('USAGE', { what: `"${what}" is nothing that stave eval does`, fix: 'stave eval check, or stave eval without a word' });
    if (values.list) {
      const listed = listBenchmarks();
      io.stdout.write(values.json ? `${JSON.stringify(listed)}\n` : benchmarkList(listed));
      return;
    }
    if (what === 'check') return check(values, io);
    const options = {
      tasks: names(needed(values, 'tasks')),
      data: needed(values, 'data'),
      output: needed(values, 'output'),
      protocol: choice(values, 'protocol', protocols),
      mode: choice(values, 'mode', runModes),
      limit: number(values, 'limit', { min: 1, integer: true }),
      shard: values.shard === undefined ? undefined : parseShard(string(values, 'shard')!),
      missing: choice(values, 'missing', missingRules),
      judge: writerOf(values, 'judge', io),
      mustResume: values.resume === true,
      signal: io.signal,
    };
    using told = loading(io.stderr);
    const model = storedModel(modelDir(values), { threads: threads(values), adapter: string(values, 'adapter'), weights: string(values, 'weights'), device: device(values), signal: io.signal, ...told });
    using progress = new Progress(io.stderr, { every: 30 });
    let last: EvalProgress | undefined;
    const onProgress = (p: EvalProgress): void => progress.show(progressLine(last = p));
    const outcome = await evaluate({ ...options, model, onProgress, onJudge: ({ done, total }) => progress.show(`judge: ${done}/${total} answers`), onUnpack: ({ archive, done, total }) => progress.show(total === null ? `looking through ${archive}` : `unpacking ${archive}: ${done}/${total} files`) }).catch((error: unknown) => {
      progress.clear();
      if (last !== undefined) io.stderr.write(`${last.allDone} of ${last.all} questions are answered and kept in ${options.output}; the same command goes on there\n`);
      throw error;
    });
    progress.clear();
    tell(outcome, options.output, values, io);
  },
};

/** @returns the exit code: 1 when something would keep the tasks from being run as they are */
async function check(values: Values, { stdout, stderr, signal }: Io): Promise<number> {
  using progress = new Progress(stderr, { every: 30 });
  const data = needed(values, 'data');
  const found = await checkData({
    tasks: names(needed(values, 'tasks')), data, signal,
    protocol: choice(values, 'protocol', protocols),
    limit: number(values, 'limit', { min: 1, integer: true }),
    onProgress: ({ task, done, total }) => progress.show(`${task}: ${done}/${total} videos`),
  });
  progress.clear();
  stdout.write(values.json ? `${JSON.stringify(found)}\n` : checkReport(found));
  return found.ok ? 0 : 1;
}

function needed(values: Values, name: string): string {
  const value = string(values, name);
  if (value === undefined || value === '') throw new StaveError('USAGE', { what: `--${name} is missing`, fix: 'stave eval --tasks motion10 --data ROOT --output runs/a' });
  return value;
}

const names = (text: string): string[] => text.split(',').map((name) => name.trim()).filter((name) => name !== '');

/** The task's score so far, and when the whole run will be done. */
function progressLine({ task, done, total, allDone, all, right, counted, answered, seconds }: EvalProgress): string {
  const score = counted === 0 ? '' : `, ${percent(right / counted)} right so far`;
  const others = all === total ? '' : `; ${allDone}/${all} in all`;
  return `${task} ${done}/${total}${score}${others}, ETA ${duration(((all - allDone) * seconds) / answered)}`;
}

function tell({ asked, kept, left, others, result }: EvalOutcome, output: string, values: Values, { stdout, stderr }: Io): void {
  if (result === undefined) {
    if (values.json) stdout.write(`${JSON.stringify({ asked, kept, left, others })}\n`);
    else stdout.write(`${asked} answered now, ${kept} were there already; ${left} are left to other shards. When ${output} holds the ledgers of all, the same command without --shard writes the results\n`);
    return;
  }
  if (values.json) stdout.write(`${JSON.stringify({ asked, kept, left, others, ...result })}\n`);
  else {
    stdout.write(resultTable(result));
    stderr.write(`${asked} answered now, ${kept} were there already; results, samples and manifest: ${output}\n`);
    if (others.length > 0) stderr.write(`${output} has answers to ${others.join(', ')} too, which these results leave out: name them in --tasks to have all in one table\n`);
  }
}
