/** A run: every question of the tasks asked once, over as many starts and shards as it takes. */
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import type { ModelInfo } from '../generate/index.ts';
import { protocols, type Protocol, type Task } from '../tasks/index.ts';
import { asked, byVideo } from './ahead.ts';
import { askSample, fileOf, missingVideo, type Answerer, type MissingRule } from './ask.ts';
import type { Judge } from './judge/judge.ts';
import { settleAll } from './judge/settle.ts';
import { checkHeader, isSkip, Ledger, ledgerFiles, readLedger, type Header, type Line, type Session } from './ledger.ts';
import { checkDecidable, modes, modesOf, type RunMode } from './modes.ts';
import { at, inShard, samplesOf, videosKey, videosOf, type Sample, type Shard } from './samples.ts';
import type { EvalResult } from './score.ts';
import { machine } from './session.ts';
import { readAll, sourceOf, tasksNamed } from './sources/index.ts';
import { Tally, type EvalProgress } from './tally.ts';
import { unpack, type UnpackProgress } from './unpack.ts';
import { writeResults } from './write.ts';

/** A model that is loaded only if there is something to ask. */
export type EvalModel = { info(): Promise<ModelInfo>; load(): Promise<Answerer & AsyncDisposable> };

export type EvalOptions = {
  model: EvalModel;
  /** Names of benchmarks, or of tasks of a group. */
  tasks: readonly string[];
  /** Root of all data sets. */
  data: string;
  /** Folder of the run. One that holds answers is gone on with. */
  output: string;
  protocol?: Protocol;
  /** `generate` (default): the model answers in its own words. `decide`: the likeliest of the answers that a question can have is taken, read off one pass. `both`: one after the other. */
  mode?: RunMode;
  /** Rows asked of each task at most. */
  limit?: number;
  shard?: Shard;
  /** Default `error`. */
  missing?: MissingRule;
  /** Who reads answers that the rules leave open, once all are there. Default: nobody, and they are counted as unmatched. */
  judge?: Judge;
  /** Refuse an output without answers. */
  mustResume?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: EvalProgress) => void;
  onJudge?: (progress: { done: number; total: number }) => void;
  /** While archives of the data are unpacked. */
  onUnpack?: (progress: UnpackProgress) => void;
};

export type EvalOutcome = { /** Asked now; there already. */ asked: number; kept: number; /** Of the whole run, without an answer yet (in other shards). */ left: number; /** Tasks that the folder has answers to and that were not named: they are not in its results. */ others: string[]; /** Where nothing is left. */ result?: EvalResult };

/** Asks what has no answer yet, and writes the results when all has one.
 * @throws USAGE, DATA, VIDEO_MISSING before the model is loaded; what a model's answers can throw; JUDGE; the signal's reason, everything answered so far being kept */
export async function evaluate({ model, tasks: names, data: root, output, protocol = 'paper', mode = 'generate', limit, shard, missing = 'error', judge, mustResume = false, signal, onProgress, onJudge, onUnpack }: EvalOptions): Promise<EvalOutcome> {
  if (!protocols.includes(protocol)) throw new StaveError('USAGE', { what: `there is no protocol "${protocol}"`, fix: `use one of ${protocols.join(', ')}` });
  if (mustResume && (await ledgerFiles(output)).length === 0) throw new StaveError('DATA', { what: `${output} holds no answers to go on with`, fix: 'check the path, or leave --resume out to begin there' });
  const tasks = tasksNamed(names, protocol);
  for (const set of new Set(tasks.map(sourceOf))) await unpack(root, set, { signal, onUnpack });
  const data = await readAll(root, tasks);
  if (mode !== 'generate') for (const of of data) checkDecidable(of);
  const every = samplesOf(data, limit, modes);
  const isAsked = (sample: Sample) => modesOf(mode).includes(sample.mode);
  const samples = every.filter(isAsked);
  for (const { data: of, row } of samples) await of.check?.(row);
  signal?.throwIfAborted();
  const { name, fingerprint, ...how } = await model.info();
  const header: Header = { ledger: 'stave eval 1', model: { name, fingerprint }, protocol };
  const session: Session = { ...machine(), model: how, tasks: names, mode, limit: limit ?? null, shard: shard === undefined ? null : `${shard.index}/${shard.count}`, missing };
  await using ledger = await Ledger.open(join(output, shard === undefined ? 'ledger.jsonl' : `ledger-${shard.index}-of-${shard.count}.jsonl`), header, session);
  const lines = await allLines(output, header, ledger);
  const isDone = (sample: Sample): boolean => {
    const line = lines.get(sample.key);
    if (line !== undefined && (line.question !== sample.hash || (!isSkip(line) && line.decision?.choices !== sample.choices?.hash))) throw changed(sample, output);
    return line !== undefined && (!isSkip(line) || missing === 'skip');
  };
  const own = inShard(samples, shard);
  const pending = own.filter((sample) => !isDone(sample));
  if (missing === 'error') for (const sample of pending) for (const video of videosOf(sample.question.messages)) if ((await fileOf(sample.data, video)) === undefined) throw missingVideo(sample, video);
  if (pending.length > 0) {
    const tally = new Tally(own, own.filter(isDone).map((sample) => [sample, lines.get(sample.key)!]), onProgress);
    await using answerer = await model.load();
    const start = performance.now();
    const end = () => ledger.ended({ answered: tally.answered, seconds: (performance.now() - start) / 1000, model_busy_seconds: answerer.busy ?? null, device: answerer.device });
    try {
      for await (const [sample, line] of asked(byVideo(pending), videosKey, (one, after, stop) => askSample(answerer, one, missing, { after, signal: stop }), signal)) {
        await ledger.append(line);
        lines.set(sample.key, line);
        tally.add(sample, line);
      }
    } catch (error) {
      await end().catch(() => {}); // the first error is the one to tell
      throw error;
    }
    await end();
  }
  const left = samples.filter((sample) => !isDone(sample)).length;
  const outcome: EvalOutcome = { asked: pending.length, kept: own.length - pending.length, left, others: othersIn(lines, tasks) };
  if (left > 0) return outcome;
  const unfinished = new Set(every.filter((sample) => !isAsked(sample) && !isDone(sample)).map(({ data: of }) => of));
  const shown = every.filter((sample) => isAsked(sample) || !unfinished.has(sample.data)); // what the other mode has answered in full stands beside it
  const judged = judge && (await settleAll(judge, shown, lines, { output, signal, onJudge }));
  return { ...outcome, result: await writeResults({ output, root, header, data, samples: shown, lines, limit, judged }) };
}

/** Answers of all the folder's ledgers. Where two overlap, this process's own counts, then the first by name; an answer before a skip. @throws DATA for a ledger of another model or protocol */
async function allLines(output: string, header: Header, ledger: Ledger): Promise<Map<string, Line>> {
  const all = new Map<string, Line>(ledger.lines);
  for (const file of await ledgerFiles(output)) {
    const found = await readLedger(file);
    checkHeader(found, header, file);
    for (const [key, line] of found.lines) if (!all.has(key) || isSkip(all.get(key)!)) all.set(key, line);
  }
  return all;
}

function othersIn(lines: ReadonlyMap<string, Line>, tasks: readonly Task<unknown>[]): string[] {
  const named = new Set(tasks.map(({ name }) => name));
  return [...new Set([...lines.values()].map(({ task }) => task))].filter((task) => !named.has(task)).toSorted();
}

function changed(sample: Sample, output: string): StaveError {
  return new StaveError('DATA', { what: `${at(sample)} asks something else than when ${output} answered it`, why: 'the data, or the settings of the task, have changed since', fix: 'choose another --output' });
}
