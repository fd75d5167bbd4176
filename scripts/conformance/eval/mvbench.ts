/** mvbench.json: prompts, the parser, scores, whole runs. */
import { cutAnswer } from '../../../src/tasks/lmms/answer.ts';
import { resultsFile } from '../../../src/tasks/lmms/result-files.ts';
import { groupResult, rate } from '../../../src/tasks/results.ts';
import { isOpen, type Task, type TaskResult, type Verdict } from '../../../src/tasks/task.ts';
import { mvbench, mvbenchData, mvbenchPrompt, rightLetter, sameAnswer, type MvbenchRow } from '../../../src/tasks/mvbench/mvbench.ts';
import { parseAnswer } from '../../../src/tasks/mvbench/parser.ts';
import { mvbenchFolders, mvbenchTasks } from '../../../src/tasks/mvbench/tasks.ts';
import type { Row } from '../compare.ts';
import { cases, checkSections, difference, equal, only, videoAndText, type Sections } from './sections.ts';

type Case<T> = T & { expected: never };
type Record_ = { pred_answer: string; gt_answer: string; score: 0 | 1 };
type Run = { samples: { task: string; doc: unknown; output: string; score: number; counted: boolean }[]; expected: { accuracy_per_task: Record<string, number>; overall_mean_of_tasks: number } };

const tasks = mvbenchTasks.map((task) => mvbench(task));
const named = (name: string): Task<MvbenchRow> => tasks.find((task) => task.name === name)!;

function score(task: Task<MvbenchRow>, doc: unknown, output: string): Verdict {
  const verdict = task.score(task.read([doc])[0], output);
  if (isOpen(verdict)) throw new Error('MVBench has no judge');
  return verdict;
}

const sections: Sections = {
  task({ tasks: wanted, ...task }: { tasks: Record<string, unknown>[] }) {
    const { dataset, revision, split } = mvbenchData;
    const prompt = mvbenchPrompt({ question: '', candidates: ['a'] });
    const ours = mvbenchTasks.map((name, i) => ({
      task: tasks[i].name, sub_task: name, dataset_name: name, annotation_file: mvbenchData.annotations(name), split, video_folder: mvbenchFolders[name],
      post_prompt: prompt.slice(prompt.lastIndexOf('\n', prompt.length - 2) + 1), generation_kwargs: { ...tasks[i].settings.generation, until: tasks[i].settings.until }, metric: tasks[i].metric,
    }));
    return equal({ group: tasks[0].group, dataset_path: dataset, revision, split, tasks: ours }, { ...task, cache_folder: undefined, tasks: wanted.map((one) => only(one, ours[0])) });
  },
  answer_not_among_candidates: (row: Case<{ doc: unknown; output: string }>) => cases([row], ({ doc, output }) => score(tasks[0], doc, output).record),
  documents: (rows: Case<{ task: string; doc: unknown }>[]) =>
    cases(rows, ({ task, doc }) => {
      const [row] = named(task).read([doc]);
      const question = named(task).ask(row);
      const { video, text } = videoAndText(question);
      return { prompt: text, target: question.target, gt_letter: rightLetter(row), video: `$HF_HOME/${video}` };
    }),
  outputs: (rows: Case<{ task: string; doc: unknown; output: string }>[]) =>
    cases(rows, ({ task, doc, output }) => {
      const { record } = score(named(task), doc, output);
      return { ...record, letter: parseAnswer(record.pred_answer as string).letter };
    }),
  // null stands for an answer that is none of the candidates: such a row is refused when it is read
  mcq: (rows: Case<{ answer: string | null; pred: string }>[]) =>
    cases(rows, ({ answer, pred }) => (answer === null ? score(tasks[0], { video: 'x.mp4', question: '', candidates: ['yes'], answer: 'no' }, pred) : { score: sameAnswer(answer, pred) }), {
      expected: ({ expected, answer }) => (answer === null ? (expected as { score: unknown }).score : expected),
    }),
  aggregate: (rows: Case<{ results: Record_[] }>[]) => cases(rows, ({ results }) => rate(results.map(({ score, pred_answer }) => ({ score, counted: pred_answer !== '' }))).percent),
  runs: (rows: Run[]) => cases(rows, checkRun),
};

function checkRun({ samples, expected }: Run): unknown {
  const results: TaskResult[] = [];
  let wrong: string | undefined;
  for (const task of tasks) {
    const own = samples.filter((sample) => sample.task === task.name);
    const verdicts = own.map(({ doc, output }) => score(task, doc, cutAnswer(output, task.settings.until)));
    wrong ??= difference(verdicts.map(({ score, counted }) => ({ score, counted })), own.map(({ score, counted }) => ({ score, counted })));
    if (own.length > 0) results.push(task.result(verdicts));
  }
  const file = resultsFile({ model: '', date: '', results, groups: Object.fromEntries(tasks.map(({ name, group }) => [name, group!])) });
  return { ...expected, samples: wrong, group_row_in_results: (file.results as Record<string, unknown>).mvbench, accuracy_per_task: Object.fromEntries(results.map(({ task, percent }) => [task, percent])), overall_mean_of_tasks: groupResult('mvbench', results).mean };
}

export function checkMvbench(dir: string): Promise<Row[]> {
  return checkSections(dir, 'mvbench', sections);
}
