import { StaveError } from '../errors.ts';
import { JsonLines, readLines } from '../files/json-lines.ts';
import { writeWhole } from '../files/write.ts';

/** Lines of metrics.jsonl: one update; one evaluation; the end. */
export type StepMetrics = { step: number; /** Seconds since 1970. */ time?: number; loss: number; grad_norm: number; lr: number; seconds: number; clips: number; tokens: number };
export type EvalMetrics = { step: number; time?: number; eval: { loss: number; accuracy: number; kinds: Record<string, { accuracy: number; answers: number }> } };
export type EndMetrics = { step: number; time?: number; ended: Ended; /** Of the recipe's `best`. */ best?: Evaluation; /** The update after which the saved model's weights were so; absent: none was saved. */ model_step?: number };
export type MetricsLine = StepMetrics | EvalMetrics | EndMetrics;

/** Why a run ended: all updates done; no better evaluation for too long; it was asked to, and can go on. */
export type Ended = 'steps' | 'patience' | 'signal';

/** On held-out data, after so many updates. */
export type Evaluation = { step: number; loss: number; accuracy: number };

/** In their order. */
export const evaluationsOf = (lines: readonly MetricsLine[]): Evaluation[] => lines.flatMap((line) => ('eval' in line ? [{ step: line.step, loss: line.eval.loss, accuracy: line.eval.accuracy }] : []));

/** metrics.jsonl of a run, a line per update and per evaluation. An update takes a fraction of a second, too little to wait for the disk after each: who saves a checkpoint calls sync() before it,
 * for a resumed run does again what comes after that. */
export class MetricsFile {
  readonly #lines: JsonLines;

  private constructor(lines: JsonLines) {
    this.#lines = lines;
  }

  /** Keeps the lines up to and including `step` (0: none), so no step stands twice; that a run ended is no longer so. A last line that was cut off by a kill is dropped. @throws DATA for another damaged one, IO */
  static async open(file: string, step: number): Promise<MetricsFile> {
    const kept = step === 0 ? [] : (await readMetrics(file)).filter((line) => line.step <= step && !('ended' in line));
    await writeWhole(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return new MetricsFile(await JsonLines.open(file, { sync: false }));
  }

  /** @throws IO */
  lines(): Promise<MetricsLine[]> {
    return readMetrics(this.#lines.file);
  }

  /** @throws IO */
  append(line: MetricsLine): Promise<void> {
    return this.#lines.append(line);
  }

  /** @throws IO */
  sync(): Promise<void> {
    return this.#lines.sync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lines.close();
  }
}

/** The lines of a metrics.jsonl file; none when there is no such file. A last one without an end, which is just being written or was cut off, is left out.
 * @throws DATA naming a damaged line, IO */
export async function readMetrics(file: string): Promise<MetricsLine[]> {
  return (await readLines(file)).map((text, i) => readLine(text, `${file}:${i + 1}`));
}

/** JSON has no NaN: an evaluation's loss that is no number stands there as null. */
function withNumber(line: MetricsLine): MetricsLine {
  return 'eval' in line ? { ...line, eval: { ...line.eval, loss: (line.eval.loss as number | null) ?? NaN } } : line;
}

function readLine(text: string, at: string): MetricsLine {
  try {
    const line = JSON.parse(text) as Partial<StepMetrics & EvalMetrics & EndMetrics> | null;
    if (typeof line?.step === 'number' && ('loss' in line || 'eval' in line || 'ended' in line)) return withNumber(line as MetricsLine);
  } catch { /* said below */ }
  throw new StaveError('DATA', { what: `${at} is no line of a run's metrics`, why: `it reads ${JSON.stringify(text.slice(0, 80))}`, fix: 'mend the line, or take it out: then the curves lack its step' });
}
