/// <reference lib="esnext.disposable" preserve="true" />
/** The package's exports. */
export { StaveError, codes, isAbort, type Code, type Details } from './errors.ts';
// asking
export {
  answerBatch, boxClips, boxModel, calibrate, filePart, load, planVideo, VideoModel,
  type Answer, type AnswerResult, type AskOptions, type BatchOptions, type BatchProgress, type BatchQuestion, type BatchSummary, type Calibration, type ChatMessage, type ChatPart, type Choice, type ChoiceResult, type Choices, type DecideOptions, type Decision, type DeviceChoice, type DeviceInfo, type FrameInput, type FrameSampling,
  type GenerationOptions, type GenerationSettings, type ImageSource, type Judged, type LoadOptions, type MediaPart, type MediaPlan, type MemoryEstimate, type ModelInfo, type Origin, type Plan, type QuestionOptions, type Setting, type TemporalScope, type Throughput, type TimeRounding, type VideoSource,
} from './generate/index.ts';
// models by name
export { cachedModels, pull, removeModel, type CachedModel, type Environment, type Pulled, type PullOptions, type PullProgress } from './hub/index.ts';
// video files
export { decode, encodeVideo, frameTimes, probe, type Clip, type DecodeOptions, type Decoding, type EncodeOptions, type Frame, type Limits, type Picture, type ReadOptions, type VideoInfo } from './video/index.ts';
// conversations to train on
export { checkConversations, inspectConversation, type CheckOptions as CheckConversationsOptions, type DataReport, type Inspected } from './data/index.ts';
// training
export { listRuns, loadRecipe, loadStages, planTraining, train, trainStages, type Changes, type EvalMetrics, type PlanOptions, type Recipe, type RunSummary, type SectionPlan, type StagesOptions, type TrainMemory, type TrainOptions, type TrainPlan, type TrainProgress, type TrainResult, type Trial } from './train/index.ts';
// fine-tuning
export { insertTemporalAttention, mergeAdapter, type Inserted, type InsertOptions, type MergeOptions } from './checkpoints/index.ts';
// weights in few bits
export { convertCheckpoint, keptCopies, removeCopy, type Converted, type ConvertOptions, type KeptCopy } from './checkpoints/index.ts';
export { parseWeights, type WeightsChoice, type WeightTypes } from './models/weight-types.ts';
// benchmarks
export {
  buildWebvidQa, checkData, compareRuns, endpointJudge, evaluate, listBenchmarks, localJudge, storedModel, writeReport,
  type CheckOptions, type Comparison, type DataCheck, type EndpointOptions, type EvalModel, type EvalOptions, type EvalOutcome, type EvalProgress, type EvalResult, type EvalTaskResult, type Flip, type Judge, type JudgeName, type Listed, type MissingRule, type Mode, type Report, type ReportOptions, type RunMode, type RunComparison, type Shard, type TaskCheck, type WebvidOptions, type WebvidOutcome,
} from './eval/index.ts';
// Motion-10
export { clipClasses, isRight, renderSet, score, type ClipClass, type Motion10Record, type Motion10Result, type QuestionKind, type RenderSetOptions, type Score } from './tasks/index.ts';
