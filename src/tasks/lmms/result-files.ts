/** The files that lmms-eval writes, so that its readers can read a run of stave: one with the results, and per task one line a question.
 * Source: lmms_eval/evaluator.py, loggers/evaluation_tracker.py */
import { createHash } from 'node:crypto';
import { isOpen, type OpenVerdict, type Task, type TaskResult, type Verdict } from '../task.ts';

/** What is written of a run. */
export type LmmsRun = {
  /** As the model was given: a path or a hub id. */
  model: string;
  /** `YYYYMMDD_hhmmss` */
  date: string;
  results: readonly TaskResult[];
  /** Name of each task that belongs to a group → the group. */
  groups: Readonly<Record<string, string>>;
  /** Questions asked of each task, where that is not all of them. */
  original?: Readonly<Record<string, number>>;
  configs?: Readonly<Record<string, unknown>>;
  /** Lines of {@link sampleLine}, by task: their hashes go into the results. */
  samples?: Readonly<Record<string, readonly SampleLine[]>>;
  chat_template?: string;
  /** Seconds since a fixed point. */
  start_time?: number;
  end_time?: number;
};

export type SampleLine = { doc_hash: string; prompt_hash: string; target_hash: string; [column: string]: unknown };

export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** The last two parts of the model's path, joined as the harness does: `saves/final` → `saves__final`. */
export function modelFolder(model: string): string {
  return model.split('/').slice(-2).join('__').replaceAll(/["<>:|\\?*[\]]+/g, '__');
}

/** Paths of the two kinds of files, under the output folder. */
export function resultPaths({ model, date, results }: Pick<LmmsRun, 'model' | 'date' | 'results'>): string[] {
  const folder = modelFolder(model);
  return [`${folder}/${date}_results.json`, ...results.map(({ task }) => `${folder}/${date}_samples_${task}.jsonl`)];
}

/** A question that was asked. */
export type Answered = { prompt: string; target: string; answer: string; verdict: Verdict | OpenVerdict };

/** One line of a task's samples. Hashes are SHA-256.
 * @param answer as the model's answer was cut  @param reference true: `doc_hash` is the hash of `null` as in every line of the reference's files, `arguments` its numbered names of settings */
export function sampleLine<Row>(task: Task<Row>, id: number, doc: Readonly<Record<string, unknown>>, answered: Answered, { reference = false }: { reference?: boolean } = {}): SampleLine {
  const { prompt, target, answer, verdict } = answered;
  const settings = Object.entries(task.settings.generation);
  const settled = isOpen(verdict) ? verdict.settle(undefined)! : verdict;
  return {
    doc_id: id,
    doc: Object.fromEntries(Object.entries(doc).filter(([column]) => !column.includes('image'))),
    target,
    arguments: reference ? Object.fromEntries(settings.map(([name], i) => [i, name])) : Object.fromEntries(settings),
    resps: [[answer]],
    filtered_resps: [answer],
    doc_hash: sha256(reference ? 'null' : JSON.stringify(doc, null, 2)),
    prompt_hash: sha256(prompt),
    target_hash: sha256(target),
    [task.metric]: settled.record,
    input: prompt,
  };
}

/** The contents of the results file, its fields in the harness's order. A group has no number of its own: none is configured. */
export function resultsFile({ model, results, groups, original = {}, configs = {}, samples = {}, chat_template, start_time = 0, end_time = 0 }: LmmsRun): Record<string, unknown> {
  const names = results.map(({ task }) => task);
  const grouped = [...new Set(names.map((task) => groups[task] ?? task))].map((name) => ({ name, of: results.filter(({ task }) => (groups[task] ?? task) === name) }));
  const isGroup = (name: string) => !names.includes(name);
  const perTask = <T>(value: (result: TaskResult) => T) => Object.fromEntries(results.map((result) => [result.task, value(result)]));
  return {
    results: Object.fromEntries(grouped.flatMap(({ name, of }) => [
      ...(isGroup(name) ? [[name, { ' ': ' ', alias: name }]] : []),
      ...of.map(({ task, metric, percent }) => [task, { alias: isGroup(name) ? ` - ${task}` : task, [`${metric},none`]: percent, [`${metric}_stderr,none`]: 'N/A' }]),
    ])),
    group_subtasks: Object.fromEntries(grouped.map(({ name, of }) => [name, isGroup(name) ? of.map(({ task }) => task) : []])),
    configs: perTask(({ task, protocol }) => ({ protocol, ...(configs[task] as object) })),
    versions: perTask(() => 'Yaml'),
    'n-shot': perTask(() => 0),
    higher_is_better: Object.fromEntries(grouped.flatMap(({ name, of }) => [...(isGroup(name) ? [[name, better(of[0])]] : []), ...of.map((result) => [result.task, better(result)])])),
    'n-samples': perTask(({ task, questions }) => ({ original: original[task] ?? questions, effective: questions })),
    task_hashes: Object.fromEntries(Object.entries(samples).map(([task, lines]) => [task, sha256(lines.map((s) => s.doc_hash + s.prompt_hash + s.target_hash).join(''))])),
    model_source: 'stave',
    model_name: model,
    model_name_sanitized: modelFolder(model),
    system_instruction: null,
    system_instruction_sha: null,
    fewshot_as_multiturn: false,
    chat_template: chat_template ?? null,
    chat_template_sha: chat_template === undefined ? null : sha256(chat_template),
    start_time,
    end_time,
    total_evaluation_time_seconds: String(end_time - start_time),
  };
}

const better = ({ metric }: TaskResult) => ({ [metric]: true });
