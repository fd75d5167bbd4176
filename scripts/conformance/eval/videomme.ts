/** videomme.json: prompts, subtitles and their order, letters, breakdown, whole runs. */
import { cutAnswer } from '../../../src/tasks/lmms/answer.ts';
import { setOrder } from '../../../src/tasks/python/set-order.ts';
import type { TaskQuestion, Verdict } from '../../../src/tasks/task.ts';
import { domains, durations, subCategories, taskTypes } from '../../../src/tasks/videomme/categories.ts';
import { chosenCues, frameRanges, parseSubtitles, sampledFrames } from '../../../src/tasks/videomme/subtitles.ts';
import { findVideo, printedLines, scoreVideomme, subtitlePath, videomme, videommeData, videommeResult, videoPaths, type ScoredRow, type VideommeRow } from '../../../src/tasks/videomme/videomme.ts';
import type { Row } from '../compare.ts';
import { attempt, cases, checkSections, equal, videoAndText, type Sections } from './sections.ts';

type Case<T> = T & { expected: never };
type Record_ = { question_id: string; duration: string; category: string; sub_category: string; task_category: string; pred_answer: string; answer: string };
type Subtitles = { doc: unknown; srt: string | null; fps: number; frames: number; frame_num: number; expected: Record<string, unknown> };

const plain = videomme(), withSubtitles = videomme({ subtitles: true });
const read = (doc: unknown): VideommeRow => plain.read([doc])[0];
const promptOf = (question: TaskQuestion) => videoAndText(question).text;

const sections: Sections = {
  note_video_file: null,
  task(task: Record<string, unknown>) {
    const settings = { ...plain.settings.generation, until: plain.settings.until };
    const prompt = promptOf(plain.ask({ ...blank, options: ['A. x'] }));
    const id = { videoID: '<videoID>' };
    return equal(
      {
        tasks: [plain.name, withSubtitles.name], dataset_path: videommeData.dataset, split: videommeData.split, metric: plain.metric,
        videomme: { post_prompt: prompt.slice(prompt.indexOf('A. x') + 5), generation_kwargs: settings },
        videomme_w_subtitle: { frame_num: 32, generation_kwargs: settings },
        files: [videoPaths(id)[0], subtitlePath(id)].map((path) => `$HF_HOME/${path}`),
        durations, domains, sub_categories: subCategories, task_types: taskTypes,
      },
      task,
    );
  },
  documents: (rows: Case<{ doc: unknown }>[]) =>
    cases(rows, ({ doc }) => {
      const row = read(doc);
      const { video, text } = videoAndText(plain.ask(row));
      return { prompt: text, target: row.answer, video: `$HF_HOME/${video}`, prompt_with_subtitles_when_there_is_no_srt_file: promptOf(withSubtitles.ask(row)) };
    }),
  video_file: (rows: Case<{ videoID: string; files: string[] }>[]) =>
    cases(rows, ({ videoID, files }) => `$HF_HOME/${findVideo({ videoID }, (path) => files.includes(path.replace(`${videommeData.folder}/`, '')))}`),
  subtitles: (rows: Subtitles[]) => cases(rows, checkSubtitles),
  linspace: (rows: Case<{ total: number; num: number }>[]) => cases(rows, ({ total, num }) => sampledFrames(total, num)),
  set_order: (rows: Case<{ inserted: number[] }>[]) => cases(rows, ({ inserted }) => setOrder(inserted)),
  outputs: (rows: Case<{ doc: ScoredRow; output: string }>[]) =>
    cases(rows, ({ doc, output }) => {
      const { score, chosen, record } = scoreVideomme(doc, output);
      return { pred_answer: chosen, correct: score === 1, record };
    }),
  aggregate: (rows: Case<{ results: Record_[] }>[]) =>
    cases(rows, ({ results }) => aggregated(results.map(({ category, task_category, pred_answer, ...row }) => ({ ...scoreVideomme({ ...row, domain: category, task_type: task_category } as ScoredRow, pred_answer), score: pred_answer === row.answer ? 1 : 0 })))),
  runs: (rows: Case<{ task: string; samples: { doc: unknown; output: string; pred_answer: string }[] }>[]) =>
    cases(rows, ({ task, samples }) => {
      const verdicts = samples.map(({ doc, output }) => scoreVideomme(read(doc), cutAnswer(output, (task === plain.name ? plain : withSubtitles).settings.until)));
      const wrong = samples.findIndex(({ pred_answer }, i) => verdicts[i].chosen !== pred_answer);
      return wrong < 0 ? aggregated(verdicts) : `sample ${wrong} gives ${verdicts[wrong].chosen}`;
    }),
};

const blank = { duration: 'short', domain: 'Knowledge', sub_category: 'Law', task_type: 'Counting Problem', videoID: 'x', question_id: '0', question: 'Q', options: [], answer: 'A' } as VideommeRow;

function aggregated(verdicts: readonly Verdict[]): { score: number; log_lines: string[] } {
  const result = videommeResult(verdicts, plain);
  return { score: result.percent, log_lines: printedLines(result) };
}

/** Long lists are recorded with "..." in their middle. */
function checkSubtitles({ doc, srt, fps, frames, frame_num, expected }: Subtitles): unknown {
  const row = read(doc);
  const facts = { fps, frames, subtitles: srt ?? undefined };
  const prompt = attempt(() => promptOf(withSubtitles.ask(row, facts)));
  if (typeof prompt !== 'string' || srt === null) return { prompt };
  const cues = parseSubtitles(srt);
  const like = (list: unknown[], name: string) => {
    const wanted = expected[name] as unknown[];
    const dots = wanted.indexOf('...');
    return dots < 0 ? list : [...list.slice(0, dots), '...', ...list.slice(list.length - (wanted.length - dots - 1))];
  };
  return {
    prompt,
    cues: like(cues.map(({ start, end, text }) => [start, end, text]), 'cues'),
    frame_ranges: like(frameRanges(cues, fps), 'frame_ranges'),
    sampled_frames: like(sampledFrames(frames, frame_num), 'sampled_frames'),
    cue_order: like(chosenCues(cues, facts, frame_num), 'cue_order'),
    lines: prompt.slice(0, prompt.indexOf('Select the best answer')),
  };
}

export function checkVideomme(dir: string): Promise<Row[]> {
  return checkSections(dir, 'videomme', sections);
}
