import { join } from 'node:path';
import { writeWhole } from '../files/write.ts';
import { curveSvg } from './curve.ts';
import { EventsFile } from './events.ts';
import { MetricsFile, type MetricsLine } from './metrics.ts';
import type { Recipe } from './recipe.ts';
import { reportHtml } from './report.ts';
import type { Shown } from './shown.ts';

/** What a run tells of itself, in its folder: metrics.jsonl, the same for TensorBoard, curve.svg, report.html. */
export class RunRecord {
  readonly #recipe: Recipe;
  readonly #metrics: MetricsFile;
  readonly #events: EventsFile;
  #shown: Shown[] = [];

  private constructor(recipe: Recipe, metrics: MetricsFile) {
    this.#recipe = recipe;
    this.#metrics = metrics;
    this.#events = new EventsFile(join(recipe.out, 'tensorboard'));
  }

  /** @param step what comes after it is forgotten (0: all), so no step stands twice  @throws DATA for a damaged line in metrics.jsonl, IO */
  static async open(recipe: Recipe, step: number): Promise<RunRecord> {
    const record = new RunRecord(recipe, await MetricsFile.open(join(recipe.out, 'metrics.jsonl'), step));
    try {
      await record.#events.start(await record.lines());
      return record;
    } catch (error) {
      await record[Symbol.asyncDispose]();
      throw error;
    }
  }

  lines(): Promise<MetricsLine[]> {
    return this.#metrics.lines();
  }

  async add(line: MetricsLine): Promise<void> {
    const timed = { ...line, time: Date.now() / 1000 };
    await this.#metrics.append(timed);
    await this.#events.append(timed);
  }

  /** Brings metrics.jsonl to disk: a checkpoint that is saved then finds all lines up to it there. @throws IO */
  sync(): Promise<void> {
    return this.#metrics.sync();
  }

  /** Draws the curves and writes the report. @param shown what the model said in an evaluation; absent: that of the last time */
  async draw(shown: Shown[] = this.#shown): Promise<void> {
    this.#shown = shown;
    const { out, name } = this.#recipe;
    const lines = await this.lines();
    await writeWhole(join(out, 'curve.svg'), curveSvg([{ label: name, lines }], name));
    await writeWhole(join(out, 'report.html'), reportHtml(this.#recipe, lines, shown));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#metrics[Symbol.asyncDispose]();
  }
}
