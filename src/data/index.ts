/** Conversations about videos and images, in the forms people keep them in, as data to train on. */
export { checkConversations, type CheckOptions, type DataReport, type TokenCounts } from './check.ts';
export type { Dialogue, MediaFile, Problem, ProblemKind } from './dialogue.ts';
export type { EncodedDialogue } from './encode.ts';
export { listProblems, openData, type DataFile, type DataFileOptions, type LineProblem } from './file.ts';
export { readRow, type Form } from './forms.ts';
export { inspectConversation, type Inspected, type TextPiece } from './inspect.ts';
export { readMediaFile } from './media.ts';
export { mediaOptions, prepareDialogue, problemOf, type DataModel } from './prepare.ts';
export { rowAt, type RowTable } from './rows.ts';
