/** Data sets as questions and answers. Motion-10, which is drawn here, stands in this folder; benchmarks that are read have a folder each (see task.ts). */
export { actionIn, isRight, score, type Motion10Record, type Motion10Result, type Score } from './motion10.ts';
export { questionKinds, type Question, type QuestionKind } from './question.ts';
export { actionQuestion, questions } from './questions.ts';
export { reverseClip, trainingClip, type TrainingClip, type TrainingClipOptions } from './training-clip.ts';
export { clipClasses, parseClipClass, recordsOf, setClip, type ClipClass, type ClipSet, type SetClip } from './clip-set.ts';
export { pictures, renderSet, type RenderSetOptions } from './render-set.ts';
export { benchmark, benchmarkNames } from './benchmarks.ts';
export { isOpen, protocols, type ClipFacts, type Deciding, type FrameRule, type JudgeRequest, type OpenVerdict, type Option, type Protocol, type Rate, type Task, type TaskMessage, type TaskPart, type TaskQuestion, type TaskResult, type TaskSettings, type Verdict } from './task.ts';
export { judged } from './judging.ts';
export { groupResult, resultTable, type GroupResult } from './results.ts';
export { taskFrames } from './frames.ts';
export { cutAnswer } from './lmms/answer.ts';
