import { join } from 'node:path';
import { writeWhole } from '../files/write.ts';
import { curveSvg } from './curve.ts';
import { EventsFile } from './events.ts';
import { MetricsFile, readMetrics, type EvalMetrics, type StepMetrics } from './metrics.ts';
import type { Recipe } from './recipe.ts';
import { reportHtml } from './report.ts';
import type { Shown } from './shown.ts';

type Line = StepMetrics | EvalMetrics;

/** What a run tells of itself, in its folder: metrics.jsonl, the same for TensorBoard, curve.svg, report.html. */
export class RunRecord {
  readonly #recipe: Recipe;
  readonly #metrics: MetricsFile;
  readonly #events: EventsFile;
  #shown: Shown[] = [];

  private constructor(recipe: Recipe) {
    this.#recipe = recipe;
    this.#metrics = new MetricsFile(join(recipe.out, 'metrics.jsonl'));
    this.#events = new EventsFile(join(recipe.out, 'tensorboard'));
  }

  /** @param step what comes after it is forgotten (0: all), so no step stands twice  @throws IO */
  static async open(recipe: Recipe, step: number): Promise<RunRecord> {
    const record = new RunRecord(recipe);
    await record.#metrics.truncate(step);
    await record.#events.start(await record.lines());
    return record;
  }

  lines(): Promise<Line[]> {
    return readMetrics(this.#metrics.file);
  }

  async add(line: Line): Promise<void> {
    const timed = { ...line, time: Date.now() / 1000 };
    await this.#metrics.append(timed);
    await this.#events.append(timed);
  }

  /** Draws the curves and writes the report. @param shown what the model said in an evaluation; absent: that of the last time */
  async draw(shown: Shown[] = this.#shown): Promise<void> {
    this.#shown = shown;
    const { out, name } = this.#recipe;
    const lines = await this.lines();
    await writeWhole(join(out, 'curve.svg'), curveSvg([{ label: name, lines }], name));
    await writeWhole(join(out, 'report.html'), reportHtml(this.#recipe, lines, shown));
  }
}
