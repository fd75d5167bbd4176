import { appendFile, readFile } from 'node:fs/promises';
import { writeError, writeWhole } from '../files/write.ts';

/** A line of metrics.jsonl: one update, or one evaluation. */
export type StepMetrics = { step: number; /** Seconds since 1970. */ time?: number; loss: number; grad_norm: number; lr: number; seconds: number; clips: number; tokens: number };
export type EvalMetrics = { step: number; time?: number; eval: { loss: number; accuracy: number; kinds: Record<string, { accuracy: number; answers: number }> } };

/** metrics.jsonl of a run, a line per step. A resumed run drops the lines after the checkpoint it starts from, so no step stands twice. */
export class MetricsFile {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** Keeps the lines up to and including `step` (0: none). A line cut off by a crash is dropped. */
  async truncate(step: number): Promise<void> {
    const kept = step === 0 ? [] : (await readMetrics(this.file)).filter((line) => line.step <= step);
    await writeWhole(this.file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async append(line: StepMetrics | EvalMetrics): Promise<void> {
    await appendFile(this.file, `${JSON.stringify(line)}\n`).catch((error) => {
      throw writeError(this.file, error);
    });
  }
}

/** The lines of a metrics.jsonl file; none when there is no such file. */
export async function readMetrics(file: string): Promise<(StepMetrics | EvalMetrics)[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1).flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}
