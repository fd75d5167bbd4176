/** Sections of ssv2.json about WebVid-QA and the training records: captions, parsing, exchange of options, frames, labels. */
import { labelsByHeaders } from '../../../src/tasks/labels.ts';
import { t10Settings } from '../../../src/tasks/ssv2/settings.ts';
import { qaBatches, qaMessages, qaModel, qaPrompt, qaSamples, type QaSample, type Turns } from '../../../src/tasks/webvid/ask.ts';
import { collectCaptions, type Caption } from '../../../src/tasks/webvid/captions.ts';
import { hasBothOptions, referenceExchange } from '../../../src/tasks/webvid/exchange.ts';
import { parseReply, replyIn } from '../../../src/tasks/webvid/parse.ts';
import { webvidRecord, webvidRecords, webvidSettings } from '../../../src/tasks/webvid/records.ts';
import type { FrameRule } from '../../../src/tasks/task.ts';
import { sampleStave } from '../../../src/video/index.ts';
import { cases, equal, recordedDraws, type RecordedDraw, type Sections } from './sections.ts';

type Case<T> = T & { expected: never };
type Frames = Case<{ total: number; fps: number; duration: number; random_start: number | null }>;

const folder = '../data/webvid/data_mp4'; // where the script has the videos

export const sectionsWebvid: Sections = {
  qa_request(request: Record<string, unknown>) {
    return equal(
      { model: qaModel.model, generate: qaModel.generation, batch_size: qaModel.batch, messages: qaMessages('PROMPT'), single_turn_prompt: qaPrompt('single'), multi_turn_prompt: qaPrompt('multi') },
      { ...request, prompt_is: undefined, share: undefined },
    );
  },
  webvid_csv: (rows: Case<{ files: Record<string, string>; max_samples: number }>[]) => cases(rows, ({ files, max_samples }) => collectCaptions(files, max_samples)),
  webvid_decoded: (rows: Case<{ decoded: string }>[]) => cases(rows, ({ decoded }) => replyIn(decoded)),
  webvid_parse: (rows: Case<{ response: string }>[]) => cases(rows, ({ response }) => ({ single: parseReply(response, 'single'), multi: parseReply(response, 'multi') })),
  webvid_batches: (rows: Case<{ mode: Turns; entries: Caption[]; template: string; batch_size: number; responses: string[] }>[]) =>
    cases(rows, ({ mode, entries, template, batch_size: batch, responses }) => ({ prompts: qaBatches(entries, { template, batch }), records: qaSamples(entries, responses, mode) })),
  webvid_switch: (rows: (Case<{ item: QaSample }> & { expected: object })[]) =>
    cases(rows, ({ item }) => {
      const exchanged = referenceExchange(item);
      return { record: webvidRecord(item, { folder }), switched_question: exchanged.question, switched_answer: exchanged.answer, has_both_options: hasBothOptions(item.question) };
    }, { expected: ({ expected }) => ({ ...(expected as object), printed: undefined }) }),
  webvid_format: (rows: Case<{ items: QaSample[]; draws: RecordedDraw[] }>[]) => cases(rows, ({ items, draws }) => webvidRecords(items, recordedDraws(draws), { folder, exchange: referenceExchange })),
  webvid_frames: (rows: Frames[]) => cases(rows, (row) => windowed(row, webvidSettings.frames)),
  t10_frames: (rows: Frames[]) => cases(rows, (row) => ({ ...windowed(row, t10Settings('paper').frames), random_start_range: null })), // from the start: nothing is drawn
  training_labels: (rows: Case<{ input_ids: number[][] }>[]) =>
    cases(rows, ({ input_ids }) => {
      const last = input_ids.map((ids) => labelsByHeaders(ids, 'last'));
      return { webvid: input_ids.map((ids) => labelsByHeaders(ids, 'every')), ssv2_t10: last, ssv2_vsm: last };
    }),
};

function windowed({ total: frames, fps, duration, random_start }: Frames, rule: FrameRule): { frames: number[]; random_start_range: [number, number] | null } {
  if (rule.rule !== 'stave') throw new Error(`the rule is ${rule.rule}`);
  let range: [number, number] | null = null;
  const { indices } = sampleStave({ frames, fps, duration }, {
    fps: rule.fps, minFrames: rule.min_frames, maxFrames: rule.max_frames,
    window: (choices) => {
      range = [0, choices]; // as numpy's randint takes it: without the upper end
      return random_start ?? 0;
    },
  });
  return { frames: indices, random_start_range: range };
}
