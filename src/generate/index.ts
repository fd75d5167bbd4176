/** Video and question in, text out. */
export { Answer, type AnswerResult } from './answer.ts';
export type { TemporalScope } from './encoder.ts';
export type { TimeRounding } from '../models/qwen2vl/index.ts';
export type { FrameSampling } from './frame-sampling.ts';
export type { FrameInput, ImageSource, MediaPlan, VideoSource } from './media.ts';
export type { MemoryEstimate } from './memory.ts';
export type { ChatMessage, ChatPart } from './messages.ts';
export type { ModelInfo } from './model-files.ts';
export { boxClips, boxModel } from './box.ts';
export { answerBatch, type BatchOptions, type BatchProgress, type BatchSummary, type Throughput } from './batch.ts';
export type { BatchQuestion } from './batch-files.ts';
export { calibrate, type Calibration, type Judged } from './decide/calibrate.ts';
export type { Choice, Choices } from './decide/choices.ts';
export type { ChoiceResult, DecideOptions, Decision } from './decide/decide.ts';
export type { AskOptions, Plan, QuestionOptions } from './plan.ts';
export type { GenerationOptions, GenerationSettings, Origin, Setting } from './settings.ts';
export { load, planVideo, VideoModel, type LoadOptions } from './video-model.ts';
export { locate, type Located, type WeightsOptions } from './weights.ts';
