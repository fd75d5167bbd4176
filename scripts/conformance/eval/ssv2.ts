/** ssv2.json: T10, VSM, the judge, runs without training, the 174 classes, WebVid-QA. Draws are those that the reference made. */
import { taskFrames, commonCrop } from '../../../src/tasks/frames.ts';
import { readAnnotations, type Annotation } from '../../../src/tasks/ssv2/annotations.ts';
import { t10Classes } from '../../../src/tasks/ssv2/classes.ts';
import { instText, segmentFrames } from '../../../src/tasks/ssv2/internvideo2-chat.ts';
import { saysYes, yesNoRequest } from '../../../src/tasks/ssv2/judge.ts';
import { decodedVsmPrompt, readJudged, writeJudged, writeVerdicts, type JudgedRow, type JudgedVariant } from '../../../src/tasks/ssv2/judged-file.ts';
import { actionRecord, answerOf, videosOf, type SampleRecord } from '../../../src/tasks/ssv2/record.ts';
import { vsmSettings } from '../../../src/tasks/ssv2/settings.ts';
import { t10Split, t10TrainCount } from '../../../src/tasks/ssv2/t10.ts';
import { printedT10, readT10Results, writeT10Results } from '../../../src/tasks/ssv2/t10-results-file.ts';
import { buildVsm, vsmRecord, type VsmSample } from '../../../src/tasks/ssv2/vsm-build.ts';
import { markedQuestion, markedWithExamples, qwenMessages, type ZeroShotSample } from '../../../src/tasks/ssv2/zero-shot.ts';
import { random } from '../../../src/clips/index.ts';
import { seededDraws } from '../../../src/tasks/draws.ts';
import type { TaskMessage } from '../../../src/tasks/task.ts';
import type { Row } from '../compare.ts';
import { attempt, cases, checkSections, equal, recordedDraws, type RecordedDraw, type Sections } from './sections.ts';
import { sections174 } from './ssv2-174.ts';
import { sectionsWebvid } from './webvid.ts';

type Case<T> = T & { expected: never };
type Clip = { total: number; fps: number; duration: number; h: number; w: number };

const variants: Record<string, JudgedVariant> = { ssv2_vsm: 'vsm', ssv2_t10_internvideo2: 'internvideo2-chat', zero_shot: 'zero-shot' };
const clips = '../../../data/ssv2/data_mp4'; // where the scripts have them

const sections: Sections = {
  file_formats: null,
  top5: null,
  classes: (names: string[]) => equal(t10Classes, names),
  t10_split_index: (rows: Case<{ n: number }>[]) => cases(rows, ({ n }) => t10TrainCount(n)),
  t10_records: (rows: Case<{ annotation: unknown }>[]) => cases(rows, ({ annotation }) => actionRecord(readAnnotations([annotation])[0])),
  t10_split: (rows: Case<{ annotations: unknown[]; draws: RecordedDraw[] }>[]) =>
    cases(rows, ({ annotations, draws }) => {
      const { train, test } = t10Split(readAnnotations(annotations), recordedDraws(draws));
      return { kept: train.length + test.length, train: train.flatMap(videosOf), test: test.flatMap(videosOf), first_train_record: train[0], first_test_record: test[0] };
    }),
  t10_exact: (rows: Case<{ answers: { output: string; truth: string }[] }>[]) =>
    cases(rows, ({ answers }) => {
      const file = writeT10Results(answers);
      return { file, printed: printedT10(readT10Results(file)) };
    }),
  vsm_records: (rows: Case<{ item: VsmSample }>[]) => cases(rows, ({ item }) => vsmRecord(item)),
  vsm_build: (rows: (Case<VsmBuild> & { expected: { error?: string } })[]) => cases(rows, checkVsmBuild),
  vsm_frames_and_crop: (rows: Case<{ videos: Clip[] }>[]) =>
    cases(rows, ({ videos }) => {
      const crops = commonCrop(videos.map(({ h: height, w: width }) => ({ height, width })));
      return videos.map(({ total: frames, fps, duration }, i) => ({ frames: taskFrames({ frames, fps, duration }, vsmSettings('paper').frames).indices, ...crops[i] }));
    }),
  decoded_prompt_of_a_vsm_answer: (text: string) => equal(decodedVsmPrompt, text),
  judge: ({ model }: { model: string }) => equal(yesNoRequest('', '').model, model),
  judge_prompt: (rows: Case<{ truth: string; answer: string }>[]) =>
    cases(rows, ({ truth, answer }) =>
      Object.fromEntries(Object.entries(variants).map(([name, variant]) => {
        const { messages, settings } = yesNoRequest(truth, answer, variant === 'internvideo2-chat' ? variant : 'standard');
        return [name, { messages, generate: settings }];
      }))),
  judge_verdict: (rows: Case<{ reply: string }>[]) => cases(rows, ({ reply }) => ({ correct: saysYes(reply) })),
  judge_summary: (rows: Case<{ verdicts: boolean[] }>[]) => cases(rows, ({ verdicts }) => writeVerdicts(verdicts)),
  results_file: (rows: Case<{ variant: string; rows: JudgedRow[] }>[]) =>
    cases(rows, ({ variant, rows }) => {
      const file = writeJudged(rows);
      return { file, parsed: attempt(() => readJudged(file, variants[variant])) };
    }, { expected: ({ expected: { file, parsed } }: { expected: { file: string; parsed: unknown } }) => ({ file, parsed: rowsOf(parsed) }) }),
  zero_shot: (rows: Case<{ item: ZeroShotSample }>[]) =>
    cases(rows, ({ item }) => ({
      qwen_no_contexts: qwenMessages(item, 'open', clips),
      qwen_no_contexts_MC: qwenMessages(item, 'choice', clips),
      qwen_with_context: qwenMessages(item, 'open', clips),
      other_models_no_contexts: markedQuestion(item, 'open', clips),
      other_models_no_contexts_MC: markedQuestion(item, 'choice', clips),
      ...(item.context_examples.length > 0 && { other_models_with_context: markedWithExamples(item, clips) }),
    })),
  internvideo2_chat_text: (rows: Case<{ record: TaskMessage[] }>[]) => cases(rows, ({ record }) => ({ training_text: instText(record), test_text: instText(record.slice(0, 1)) })),
  internvideo2_chat_frames: (rows: Case<{ frames: number; segments: number }>[]) => cases(rows, ({ frames, segments }) => segmentFrames(frames, segments)),
  ...sections174,
  ...sectionsWebvid,
};

type VsmBuild = { annotations: unknown[]; videos_of_the_training_file: string[]; draws: RecordedDraw[] };

/** No draws are recorded of a building that failed: it has to fail with any. */
function checkVsmBuild({ annotations, videos_of_the_training_file, draws, expected }: VsmBuild & { expected: { error?: string } }): unknown {
  const training = videos_of_the_training_file.map((video): SampleRecord => [{ role: 'user', content: [{ type: 'video', video }] }, { role: 'assistant', content: [{ type: 'text', text: '' }] }]);
  const recorded = recordedDraws(draws);
  const all: Annotation[] = readAnnotations(annotations);
  const samples = buildVsm(all, training, expected.error === undefined ? recorded : seededDraws(random('vsm')));
  if (recorded.left() > 0) throw new Error(`${recorded.left()} draws are left`);
  const records = samples.map(vsmRecord);
  return { records: records.map((record) => ({ videos: videosOf(record), answer: answerOf(record) })), positive: samples.filter(({ is_positive }) => is_positive).length, first_two_records: records.slice(0, 2) };
}

function rowsOf(parsed: unknown): unknown {
  const { labels, responses } = parsed as { labels?: string[]; responses?: string[] };
  return labels === undefined ? parsed : labels.map((label, i) => ({ label, response: responses![i] }));
}

export function checkSsv2(dir: string): Promise<Row[]> {
  return checkSections(dir, 'ssv2', sections);
}
