/** The frames that a model saw, decoded again from the data: each video of a question as one small picture of frames side by side. */
import { StaveError } from '../../errors.ts';
import { benchmark } from '../../tasks/index.ts';
import { decode, encodeJpeg, type Picture } from '../../video/index.ts';
import { sideBySide } from '../../video/png.ts';
import { fileOf } from '../ask.ts';
import type { TaskData } from '../data.ts';
import type { Seen } from '../ledger.ts';
import { videosOf } from '../samples.ts';
import { sourceOf } from '../sources/index.ts';
import type { ReportQuestion } from './collect.ts';

/** Pixels. */
const HEIGHT = 72, MAX_WIDTH = 144;

/** What of a video was seen, by which runs (numbers). `strip`: a JPEG of some of the frames; absent with the reason why not. */
export type View = { video: string; frames: Seen['frames']; shown: number[]; runs: number[]; strip?: { jpeg: Uint8Array; width: number; height: number }; why?: string };

export type PictureOptions = { /** Root of the data. */ data: string; protocol: 'paper' | 'strict'; /** Of a video at most; 0: no pictures. */ frames: number; signal?: AbortSignal };

/** Draws views of questions, remembering what it has drawn: several questions can be about one video. */
export class Pictures {
  readonly #options: PictureOptions;
  readonly #tasks = new Map<string, Promise<{ data: TaskData; named: Set<string> } | string>>();
  readonly #drawn = new Map<string, Promise<Pick<View, 'strip' | 'why'>>>();

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  /** What the runs saw for a question; runs that saw the same share a view. @throws the signal's reason */
  async of({ task, answers }: ReportQuestion): Promise<View[]> {
    const views = new Map<string, View & { seen: Seen }>();
    for (const [run, answer] of answers.entries())
      for (const seen of answer?.seen ?? []) {
        const key = JSON.stringify([seen.video, seen.frames.map(({ index }) => index)]);
        const view = views.get(key) ?? { video: seen.video, frames: seen.frames, shown: evenly(seen.frames.length, this.#options.frames), runs: [], seen };
        if (!view.runs.includes(run)) view.runs.push(run);
        views.set(key, view);
      }
    const drawn: View[] = [];
    for (const [key, { seen, ...view }] of views) {
      this.#options.signal?.throwIfAborted();
      const picture = `${task} ${key}`; // tasks may call different files by one name
      const known = this.#drawn.get(picture) ?? this.#draw(task, seen, view.shown);
      this.#drawn.set(picture, known);
      drawn.push({ ...view, ...(await known) });
    }
    return drawn;
  }

  async #draw(task: string, { video, frames, sizes }: Seen, shown: readonly number[]): Promise<Pick<View, 'strip' | 'why'>> {
    if (shown.length === 0) return {};
    const known = this.#tasks.get(task) ?? this.#read(task);
    this.#tasks.set(task, known);
    const found = await known;
    if (typeof found === 'string') return { why: found };
    if (!found.named.has(video)) return { why: 'no question of the data names this video' }; // a run's files can come from anywhere: what they say is no reason to read a file
    const file = await fileOf(found.data, video);
    if (file === undefined) return { why: `there is no ${found.data.locate(video)[0] ?? video}` };
    try {
      return { strip: await strip(file, shown.map((i) => frames[i].index), sizes.source, this.#options.signal) };
    } catch (error) {
      if (!(error instanceof StaveError) || this.#options.signal?.aborted) throw error;
      return { why: error.what };
    }
  }

  /** A task's data, or why it can't be had. */
  async #read(name: string): Promise<{ data: TaskData; named: Set<string> } | string> {
    const { data: root, protocol } = this.#options;
    try {
      const task = benchmark(name, protocol).find((one) => one.name === name)!;
      const data = await sourceOf(task).read(root, task);
      return { data, named: new Set(data.rows.flatMap((row) => videosOf(task.ask(row).messages))) };
    } catch (error) {
      if (error instanceof StaveError) return error.what;
      throw error;
    }
  }
}

/** Up to `most` of `count` numbers, first and last among them. */
function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, most - 1)));
}

/** @param indices ascending; one that stands there twice is drawn twice */
async function strip(file: string, indices: readonly number[], source: { width: number; height: number }, signal: AbortSignal | undefined): Promise<NonNullable<View['strip']>> {
  const width = Math.min(MAX_WIDTH, Math.max(8, Math.round((HEIGHT * source.width) / source.height)));
  const pictures = new Map<number, Picture>();
  const pick = [...new Set(indices)].toSorted((a, b) => a - b);
  for await (const { index, data } of decode(file, { pick, size: { width, height: HEIGHT }, signal })) pictures.set(index, { data: data.slice(), width, height: HEIGHT });
  const all = indices.flatMap((index) => pictures.get(index) ?? []);
  const joined = sideBySide(all);
  return { jpeg: await encodeJpeg(joined, 7), width: joined.width, height: joined.height };
}
