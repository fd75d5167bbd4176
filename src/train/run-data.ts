/** What a run trains on, as its recipe says: which batches an update takes, and what making them needs to know. */
import { openData, type DataFile } from '../data/index.ts';
import { boundedBy } from '../data/media.ts';
import { StaveError } from '../errors.ts';
import { parsePreprocessorConfig, type PreprocessorConfig } from '../models/qwen2vl/index.ts';
import type { DataSettings } from './data.ts';
import { preprocessorJson } from './export.ts';
import { modelSampling, savedConfig, type TrainModel } from './model.ts';
import type { Recipe } from './recipe.ts';
import type { Motion10Data } from './recipe-data.ts';
import type { Layout, Normalize } from './step.ts';

/** Data files that were looked through; nothing for clips that are drawn. */
export type OpenedData = { train: DataFile; eval: DataFile | null } | undefined;

export type RunData = {
  settings: DataSettings;
  /** Of the batches that the first graphs are made for. */
  layout: Layout;
  normalize: Normalize;
  /** Micro-batches of an update, and of an evaluation. */
  micro: number;
  held: number;
  /** Threads that make them. */
  workers: number;
  /** Rows of each data file, and the largest part of them that may turn out not to be usable. */
  rows: ReadonlyMap<string, number>;
  max_bad: number;
};

/** Reads the recipe's data files through. @throws DATA listing all that is wrong in all of them, line by line; IO */
export async function openRunData({ data }: Recipe): Promise<OpenedData> {
  if (data.task === 'motion10') return undefined;
  const open = (file: string) => openData(file, { media: data.media ?? undefined, skip: data.skip ?? undefined });
  const [train, held] = await Promise.allSettled([open(data.path), data.eval === null ? null : open(data.eval)]);
  if (train.status === 'fulfilled' && held.status === 'fulfilled') return { train: train.value, eval: held.value };
  const errors = [train, held].flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const [first, second] = errors;
  if (!(first instanceof StaveError && second instanceof StaveError)) throw first;
  throw new StaveError('DATA', { what: [first.what, first.why, second.what].filter(Boolean).join('\n'), why: second.why, fix: first.fix, cause: first });
}

/** @throws RECIPE, MODEL_CONFIG for frames that the training graph cannot normalise */
export function runData(recipe: Recipe, model: TrainModel, opened: OpenedData): RunData {
  const { data, batch, eval: evaluation, tokenizer } = recipe;
  const settings = { tokenizer, config: savedConfig(model.config, recipe), batch, evaluation };
  if (data.task === 'motion10' || opened === undefined)
    return { settings: { ...settings, data: data as Motion10Data }, layout: 'clips', normalize: parsePreprocessorConfig(preprocessorJson(data as Motion10Data)), micro: batch.accumulate, held: Math.ceil(evaluation.clips / batch.clips), workers: 1, rows: new Map(), max_bad: 0 };
  const preprocessor = boundedBy(model.preprocessor, data);
  const { train, eval: held } = opened;
  return {
    settings: { ...settings, conversations: { data, train, eval: held, preprocessor, sampling: data.sampling ?? modelSampling(model.config) } },
    layout: { runs: 1 },
    normalize: normalizationOf(preprocessor),
    micro: batch.clips * batch.accumulate,
    held: Math.min(evaluation.clips, held?.table.line.length ?? 0),
    workers: data.workers,
    rows: new Map([train, held].flatMap((file) => (file === null ? [] : [[file.file, file.table.line.length]]))),
    max_bad: data.max_bad,
  };
}

/** Bytes are normalised inside the graph, all in one way. @throws MODEL_CONFIG */
function normalizationOf({ image, video }: TrainModel['preprocessor']): Normalize {
  const usual = [image, video].every(({ do_rescale, rescale_factor, do_normalize }) => do_rescale && do_normalize && Math.abs(rescale_factor * 255 - 1) < 1e-6);
  if (usual && statistics(image) === statistics(video)) return { image_mean: video.image_mean, image_std: video.image_std };
  throw new StaveError('MODEL_CONFIG', { what: 'frames of this checkpoint are normalised in a way that training does not know', why: 'it divides bytes by 255, and takes one mean and deviation for images and videos', fix: 'mend its preprocessor_config.json' });
}

const statistics = ({ image_mean, image_std }: PreprocessorConfig): string => JSON.stringify([image_mean, image_std]);
