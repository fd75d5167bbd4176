/** Benchmarks from disk to table: a model is asked, each answer kept as it comes, results written when all are there. */
export { missingRules, type Answerer, type MissingRule } from './ask.ts';
export { checkData, type CheckOptions, type DataCheck, type TaskCheck } from './check.ts';
export { endpointJudge, type EndpointOptions } from './judge/endpoint.ts';
export type { Judge, JudgeName } from './judge/judge.ts';
export { localJudge } from './judge/local.ts';
export { listBenchmarks, type Listed } from './list.ts';
export { compareRuns, type Comparison, type Flip, type RunComparison } from './compare.ts';
export { runModes, type Mode, type RunMode } from './modes.ts';
export { writeReport, type ReportOptions } from './report/report.ts';
export type { Report, ReportComparison, ReportQuestion, ReportRun, ReportTask } from './report/collect.ts';
export { evaluate, type EvalModel, type EvalOptions, type EvalOutcome } from './run.ts';
export { parseShard, type Shard } from './samples.ts';
export type { EvalResult, EvalTaskResult } from './score.ts';
export { storedModel } from './model.ts';
export { buildWebvidQa, type WebvidOptions, type WebvidOutcome } from './webvid.ts';
export { wilson } from './statistics.ts';
export type { EvalProgress } from './tally.ts';
