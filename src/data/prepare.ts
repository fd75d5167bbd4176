/** From a dialogue to all that a training step needs of it, and what can go wrong on the way. */
import { StaveError, type Code } from '../errors.ts';
import type { FrameSampling } from '../generate/frame-sampling.ts';
import type { MediaOptions, MediaPlan } from '../generate/media.ts';
import { openModelFiles } from '../generate/model-files.ts';
import type { Dialogue, Problem, ProblemKind } from './dialogue.ts';
import { encodeDialogue, type EncodedDialogue, type EncodeOptions } from './encode.ts';
import { boundedBy, planMediaFile } from './media.ts';

/** What of a model decides how data becomes tokens. */
export type DataModel = Omit<EncodeOptions, 'learn'> & { preprocessor: MediaOptions['preprocessor']; sampling: FrameSampling };

export type PrepareOptions = Pick<EncodeOptions, 'learn'> & {
  /** Most tokens of a conversation; one with more is refused, never cut. Default: the model's positions. */
  max_tokens?: number;
} & Pick<MediaOptions, 'window' | 'read'>;

/** What goes before what a model says of its frames. */
export type FrameOptions = { sampling?: FrameSampling; /** Bounds of a frame's area. */ min_pixels?: number; max_pixels?: number };

/** What a model says of its data. @param model its directory, or what is known of it already  @throws as openModelFiles */
export async function dataModel(model: string | DataModel, { sampling, ...bounds }: FrameOptions = {}): Promise<DataModel> {
  const own = typeof model === 'string' ? await savedModel(model) : model;
  return { ...own, preprocessor: boundedBy(own.preprocessor, bounds), sampling: sampling ?? own.sampling };
}

async function savedModel(dir: string): Promise<DataModel> {
  const { model, tokenizer, template, sampling } = await openModelFiles(dir);
  return { tokenizer, template, config: model.config, preprocessor: { image: model.preprocessor, video: model.video_preprocessor }, sampling: sampling.value };
}

export function mediaOptions({ preprocessor, sampling }: DataModel, { window, read }: PrepareOptions): MediaOptions {
  return { preprocessor, sampling, window, read };
}

/** Frames are chosen and tokens counted; nothing is decoded. @throws as planMediaFile and encodeDialogue; LIMIT for too many tokens */
export async function prepareDialogue(dialogue: Dialogue, model: DataModel, options: PrepareOptions): Promise<{ plans: MediaPlan[]; encoded: EncodedDialogue }> {
  const plans: MediaPlan[] = [];
  for (const media of dialogue.media) plans.push(await planMediaFile(media, mediaOptions(model, options)));
  const encoded = encodeDialogue(dialogue, plans, { ...model, learn: options.learn });
  const most = Math.min(options.max_tokens ?? Infinity, model.config.max_position_embeddings);
  if (encoded.ids.length > most)
    throw new StaveError('LIMIT', { what: `the conversation takes ${encoded.ids.length} tokens, ${most} are allowed`, why: `${plans.reduce((sum, { tokens }) => sum + tokens, 0)} of them are visual`, fix: 'show fewer or smaller frames, shorten it, or allow more' });
  return { plans, encoded };
}

const kinds: Partial<Record<Code, ProblemKind>> = { VIDEO_MISSING: 'missing', VIDEO_UNREADABLE: 'media', VIDEO_NO_FRAMES: 'media', VIDEO_TOO_SHORT: 'media', LIMIT: 'tokens', DATA: 'form', USAGE: 'form', TOKENIZER: 'form' };

/** An error as what is wrong with the row; undefined for one that is not the row's fault. */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof StaveError)) return undefined;
  const kind = kinds[error.code];
  if (kind === undefined) return undefined;
  return { kind: kind === 'tokens' && !error.what.startsWith('the conversation takes') ? 'media' : kind, what: [error.what, error.why].filter(Boolean).join(': ').replaceAll('\n', ' ') };
}
