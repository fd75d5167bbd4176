/// <reference lib="esnext.disposable" preserve="true" />
/** The package's exports. */
export { StaveError, codes, isAbort, type Code } from './errors.ts';
export {
  answerBatch, boxModel, load, planVideo, VideoModel,
  type Answer, type AnswerResult, type AskOptions, type BatchQuestion, type BatchSummary, type ChatMessage, type ChatPart, type FrameInput, type FrameSampling, type LoadOptions, type Plan, type VideoSource,
} from './generate/index.ts';
export { loadRecipe, train, type Recipe, type TrainOptions, type TrainProgress, type TrainResult } from './train/index.ts';
