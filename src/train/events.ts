import { appendFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { list, writeError, writeWhole } from '../files/write.ts';
import type { EndMetrics, MetricsLine } from './metrics.ts';
import { scalarRecord, versionRecord, type ScalarEvent } from './tfevents.ts';

/** The lines of metrics.jsonl once more, as TensorBoard reads them. `tensorboard --logdir` of the run's folder, or of the one above, finds the file. */
export class EventsFile {
  readonly #folder: string;
  #file: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Begins a file with what metrics.jsonl holds; those of earlier starts, which may know of steps that a resumed run does again, are removed. @throws IO */
  async start(lines: readonly MetricsLine[], now = Date.now() / 1000): Promise<void> {
    const old = (await list(this.#folder)).filter((path) => basename(path).startsWith(PREFIX));
    await makeFolder(this.#folder).catch((error) => {
      throw writeError(this.#folder, error);
    });
    this.#file = join(this.#folder, `${PREFIX}${Math.floor(now)}.${process.pid}.stave`);
    await writeWhole(this.#file, Buffer.concat([versionRecord(now), ...lines.flatMap(recordsOf)]));
    for (const path of old) if (path !== this.#file) await rm(path, { force: true });
  }

  async append(line: MetricsLine): Promise<void> {
    const file = this.#file!;
    await appendFile(file, Buffer.concat(recordsOf(line))).catch((error) => {
      throw writeError(file, error);
    });
  }
}

const PREFIX = 'events.out.tfevents.';

/** None for the line that says how a run ended. */
const recordsOf = (line: MetricsLine): Uint8Array[] => ('ended' in line ? [] : [scalarRecord(scalarsOf(line))]);

/** Lines of runs before there was a time in them count from 1970. */
function scalarsOf(line: Exclude<MetricsLine, EndMetrics>): ScalarEvent {
  const { step, time = 0 } = line;
  if ('loss' in line) {
    const { loss, grad_norm, lr, seconds, clips, tokens } = line;
    const rate = (n: number) => (seconds > 0 ? n / seconds : 0);
    return { time, step, values: { 'train/loss': loss, 'train/grad_norm': grad_norm, 'train/lr': lr, 'speed/clips_per_second': rate(clips), 'speed/tokens_per_second': rate(tokens) } };
  }
  const kinds = Object.entries(line.eval.kinds).map(([kind, { accuracy }]) => [`eval_accuracy/${kind}`, accuracy]);
  return { time, step, values: { 'eval/loss': line.eval.loss, 'eval/accuracy': line.eval.accuracy, ...Object.fromEntries(kinds) } };
}
