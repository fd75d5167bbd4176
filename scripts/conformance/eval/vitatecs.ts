/** vitatecs.json: prompts, targets, scores, the judge, whole runs. */
import { judged } from '../../../src/tasks/judging.ts';
import { cutAnswer } from '../../../src/tasks/lmms/answer.ts';
import { resultsFile } from '../../../src/tasks/lmms/result-files.ts';
import { groupResult } from '../../../src/tasks/results.ts';
import { isOpen, type OpenVerdict, type TaskResult } from '../../../src/tasks/task.ts';
import { judgeRating, judgeRequest, judgeUrl } from '../../../src/tasks/vitatecs/judge.ts';
import { coin, coinSeed, matchingText, optionsOf, optionText } from '../../../src/tasks/vitatecs/options.ts';
import { aspects, vitatecs, vitatecsData, vitatecsPrompt, vitatecsTarget, type VitatecsRow } from '../../../src/tasks/vitatecs/vitatecs.ts';
import type { Row } from '../compare.ts';
import { cases, checkSections, difference, equal, videoAndText, type Sections } from './sections.ts';

type Case<T> = T & { expected: never };
type Run = { samples: { task: string; doc: VitatecsRow; output: string; rating: number; match_success: boolean }[]; expected: { accuracy_per_task: Record<string, number>; samples_per_task: Record<string, number>; overall_over_documents: number; overall_mean_of_aspects: number } };

const tasks = aspects.map((aspect) => vitatecs(aspect));
const read = (doc: unknown): VitatecsRow => tasks[0].read([doc])[0];

const sections: Sections = {
  task(task: Record<string, unknown>) {
    const prompt = vitatecsPrompt({ caption: 'a', counterfactual: 'b' } as VitatecsRow);
    const { generation, until } = tasks[0].settings;
    return equal(
      {
        group: tasks[0].group, subtasks: tasks.map(({ name }) => name), dataset_path: vitatecsData.dataset, split: vitatecsData.split,
        dataset_name_per_subtask: Object.fromEntries(aspects.map((aspect, i) => [tasks[i].name, aspect])),
        prompt_args: { pre_prompt: '', post_prompt: prompt.slice(prompt.lastIndexOf('\n')) },
        generation_kwargs: { until, do_sample: generation.do_sample }, metric: tasks[0].metric,
      },
      { ...task, video_path: undefined },
    );
  },
  coin: (rows: Case<{ seed: number; random: number; caption_first: boolean }>[]) =>
    cases(rows, ({ seed }) => coin(seed), { expected: ({ random, caption_first }) => ({ random, captionFirst: caption_first }) }),
  judge_request({ url, body }: { url: string; body: unknown }) {
    const { model, messages, settings } = judgeRequest('', '', '');
    return equal({ url: judgeUrl, body: { model, ...settings, messages: [messages[0], { role: 'user', content: 'PROMPT' }] } }, { url, body });
  },
  documents: (rows: Case<{ doc: unknown }>[]) =>
    cases(rows, ({ doc }) => {
      const row = read(doc);
      const { random: _, captionFirst } = coin(coinSeed(row));
      const { video, text } = videoAndText(tasks[0].ask(row));
      return {
        seed: coinSeed(row), caption_first: captionFirst, prompt: text, target: vitatecsTarget(row), answer_letter: optionsOf(row).right.letter,
        options_for_matching: [matchingText(row.caption), matchingText(row.counterfactual)], video: `$HF_HOME/${video}`,
      };
    }),
  option_text: (rows: Case<{ text: string }>[]) => cases(rows, ({ text }) => ({ question: optionText(text), matching: matchingText(text) })),
  outputs: (rows: Case<{ doc: unknown; output: string }>[]) =>
    cases(rows, ({ doc, output }) => {
      const verdict = tasks[0].score(read(doc), output);
      const { record } = isOpen(verdict) ? verdict.settle(undefined)! : verdict;
      const common = { match_success: record.match_success, gt_answer: record['gt-answer'], prediction: record['video-llm-prediction'] };
      if (!isOpen(verdict)) return { ...common, rating: record.rating };
      const rating = (reply?: string) => verdict.settle(reply)!.score;
      return { ...common, rating_without_judge: rating(), rating_if_judge_correct: rating('Correct'), rating_if_judge_incorrect: rating('Incorrect'), judge_prompt: verdict.judge.messages[1].content };
    }),
  // a reply that is no verdict throws in the reference
  judge_reply: (rows: Case<{ reply: string }>[]) => cases(rows, ({ reply }) => judgeRating(reply), { expected: ({ expected: { rating } }: { expected: { rating: unknown } }) => (typeof rating === 'number' ? rating : undefined) }),
  async judge_sequence(rows: Case<{ replies: (string | null)[] }>[]) {
    const open = tasks[0].score(read({ src_dataset: 'VATEX', video_name: 'x.mp4', caption: 'a', counterfactual: 'b', aspect: 'Type' }), '?') as OpenVerdict;
    const outcomes = new Map<unknown, unknown>();
    for (const row of rows) {
      const replies = row.replies.values();
      const { verdict, calls, reply } = await judged(open, async () => replies.next().value ?? undefined);
      outcomes.set(row, { calls, last_reply: reply, rating: verdict.score });
    }
    return cases(rows, (row) => outcomes.get(row));
  },
  runs: (rows: Run[]) => cases(rows, checkRun),
};

function checkRun({ samples, expected }: Run): unknown {
  const results: TaskResult[] = [];
  const outcomes: [number, boolean][] = [];
  for (const task of tasks) {
    const verdicts = samples.filter((sample) => sample.task === task.name).map(({ doc, output }) => {
      const scored = task.score(task.read([doc])[0], cutAnswer(output, task.settings.until));
      return isOpen(scored) ? scored.settle(undefined)! : scored;
    });
    outcomes.push(...verdicts.map(({ record }): [number, boolean] => [record.rating as number, record.match_success as boolean]));
    if (verdicts.length > 0) results.push(task.result(verdicts));
  }
  const wanted = tasks.flatMap(({ name }) => samples.filter((sample) => sample.task === name)).map(({ rating, match_success }) => [rating, match_success]);
  const group = groupResult('vitatecs', results);
  const file = resultsFile({ model: '', date: '', results, groups: Object.fromEntries(tasks.map(({ name, group }) => [name, group!])) });
  return {
    ...expected,
    samples: difference(outcomes, wanted),
    accuracy_per_task: Object.fromEntries(results.map(({ task, percent }) => [task, percent])),
    samples_per_task: Object.fromEntries(results.map(({ task, questions }) => [task, questions])),
    group_row_in_results: (file.results as Record<string, unknown>).vitatecs,
    overall_over_documents: group.together.percent,
    overall_mean_of_aspects: group.mean,
  };
}

export function checkVitatecs(dir: string): Promise<Row[]> {
  return checkSections(dir, 'vitatecs', sections);
}
