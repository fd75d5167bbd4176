/** Motion-10 as a task: clips with questions, answers and their scoring. */
export { actionIn, isRight, score, type Motion10Record, type Motion10Result, type Score } from './motion10.ts';
export { questionKinds, type Question, type QuestionKind } from './question.ts';
export { actionQuestion, questions } from './questions.ts';
export { reverseClip, trainingClip, type TrainingClip, type TrainingClipOptions } from './training-clip.ts';
export { clipClasses, parseClipClass, recordsOf, setClip, type ClipClass, type ClipSet, type SetClip } from './clip-set.ts';
export { pictures, renderSet, type RenderSetOptions } from './render-set.ts';
