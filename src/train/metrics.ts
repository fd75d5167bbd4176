import { StaveError } from '../errors.ts';
import { JsonLines, readLines } from '../files/json-lines.ts';
import { writeWhole } from '../files/write.ts';

/** A line of metrics.jsonl: one update, or one evaluation. */
export type StepMetrics = { step: number; /** Seconds since 1970. */ time?: number; loss: number; grad_norm: number; lr: number; seconds: number; clips: number; tokens: number };
export type EvalMetrics = { step: number; time?: number; eval: { loss: number; accuracy: number; kinds: Record<string, { accuracy: number; answers: number }> } };

/** metrics.jsonl of a run, a line per update and per evaluation. An update takes a fraction of a second, too little to wait for the disk after each: who saves a checkpoint calls sync() before it,
 * for a resumed run does again what comes after that. */
export class MetricsFile {
  readonly #lines: JsonLines;

  private constructor(lines: JsonLines) {
    this.#lines = lines;
  }

  /** Keeps the lines up to and including `step` (0: none), so no step stands twice. A last line that was cut off by a kill is dropped. @throws DATA for another damaged one, IO */
  static async open(file: string, step: number): Promise<MetricsFile> {
    const kept = step === 0 ? [] : (await readMetrics(file)).filter((line) => line.step <= step);
    await writeWhole(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return new MetricsFile(await JsonLines.open(file, { sync: false }));
  }

  /** @throws IO */
  lines(): Promise<(StepMetrics | EvalMetrics)[]> {
    return readMetrics(this.#lines.file);
  }

  /** @throws IO */
  append(line: StepMetrics | EvalMetrics): Promise<void> {
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
export async function readMetrics(file: string): Promise<(StepMetrics | EvalMetrics)[]> {
  return (await readLines(file)).map((text, i) => readLine(text, `${file}:${i + 1}`));
}

function readLine(text: string, at: string): StepMetrics | EvalMetrics {
  try {
    const line = JSON.parse(text) as Partial<StepMetrics & EvalMetrics> | null;
    if (typeof line?.step === 'number' && ('loss' in line || 'eval' in line)) return line as StepMetrics | EvalMetrics;
  } catch { /* said below */ }
  throw new StaveError('DATA', { what: `${at} is no line of a run's metrics`, why: `it reads ${JSON.stringify(text.slice(0, 80))}`, fix: 'mend the line, or take it out: then the curves lack its step' });
}
