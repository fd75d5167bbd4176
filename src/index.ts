/// <reference lib="esnext.disposable" preserve="true" />
/** The package's exports. */
export { StaveError, codes, isAbort, type Code } from './errors.ts';
export {
  answerBatch, boxClips, boxModel, load, planVideo, VideoModel,
  type Answer, type AnswerResult, type AskOptions, type BatchOptions, type BatchProgress, type BatchQuestion, type BatchSummary, type ChatMessage, type ChatPart, type FrameInput, type FrameSampling, type ImageSource, type LoadOptions, type ModelInfo, type Plan, type VideoSource,
} from './generate/index.ts';
export { loadRecipe, train, type Recipe, type TrainOptions, type TrainProgress, type TrainResult } from './train/index.ts';
export { clipClasses, isRight, renderSet, score, type ClipClass, type Motion10Record, type Motion10Result, type RenderSetOptions } from './tasks/index.ts';
