/** harness.json: what lmms-eval does around the three benchmarks, frames, sizes, messages, settings, answers, result files. */
import { frameSize, parsePreprocessorConfig } from '../../../src/models/qwen2vl/index.ts';
import { processorSize } from '../../../src/tasks/frames.ts';
import { benchmark } from '../../../src/tasks/benchmarks.ts';
import { cutAnswer } from '../../../src/tasks/lmms/answer.ts';
import { lmmsFrames } from '../../../src/tasks/lmms/frames.ts';
import { isShown, lmmsSystem, promptText, withBounds } from '../../../src/tasks/lmms/messages.ts';
import { resultPaths, resultsFile, sampleLine, type SampleLine } from '../../../src/tasks/lmms/result-files.ts';
import { lmmsGenerate, lmmsSettings } from '../../../src/tasks/lmms/settings.ts';
import { isOpen } from '../../../src/tasks/task.ts';
import { qwenFrameCount } from '../../../src/video/index.ts';
import type { Row } from '../compare.ts';
import { attempt, cases, checkSections, equal, videoAndText, type Sections } from './sections.ts';

type Case<T> = T & { expected: never };
type FrameCase = { total: number; fps: number; expected: { read_frames?: number[]; resized: number[] } };
type SizeCase = { height: number; width: number; expected: Record<string, [number, number] | { error: string }> };
type ResultFiles = { files: string[]; results_json_keys: string[]; results: unknown; group_subtasks: unknown; n_samples: unknown; higher_is_better: unknown; samples_jsonl: (SampleLine & { doc_id: number; doc: Record<string, unknown>; resps: [[string]]; input: string; target: string })[] };

const sections: Sections = {
  wrapper: (wrapper: unknown) => equal({ ...lmmsSettings.pixels, max_num_frames: lmmsSettings.frames.max_frames, system_prompt: lmmsSystem, batch_size: 1 }, wrapper),
  messages: (rows: Case<{ task: string; doc: unknown }>[]) =>
    cases(rows, ({ task: name, doc }) => {
      const [task] = benchmark(name);
      const [row] = task.read([doc]);
      return { messages: withBounds(task.ask(row), task.settings, '$HF_HOME'), add_generation_prompt: true, generate: lmmsGenerate(task.settings) };
    }),
  media: (rows: Case<{ path: string }>[]) => cases(rows, ({ path }) => ({ video_is_used: isShown(path) })),
  contexts: (rows: Case<{ context: string }>[]) => cases(rows, ({ context }) => ({ text: promptText(context) })),
  answers: (rows: Case<{ raw: string; until: string | string[] }>[]) => cases(rows, ({ raw, until }) => cutAnswer(raw, [until].flat())),
  frames: (rows: FrameCase[]) => cases(rows, checkFrames),
  sizes: (rows: SizeCase[]) => cases(rows, checkSizes, { expected: ({ expected }) => Object.fromEntries(Object.entries(expected).map(([name, size]) => [name, Array.isArray(size) && size.includes(0) ? { error: 'an empty picture' } : size])) }),
  result_files: (files: ResultFiles) => checkResultFiles(files),
};

/** The size of the clip isn't recorded: only that the processor, given what the harness made, changes nothing. */
function checkFrames({ total, fps, expected }: FrameCase): unknown {
  const clip = { frames: total, fps, duration: total / fps };
  const { read, shown } = lmmsFrames(clip);
  const [height, width] = expected.resized;
  const size = frameSize(height, width, parsePreprocessorConfig(lmmsSettings.pixels));
  return {
    frames_read: read.length, kept: shown.length, source_frames: shown, temporal_groups: Math.ceil(shown.length / 2), frames_read_with_qwen_vl_utils_0_0_11: qwenFrameCount(clip), resized: [size.height, size.width],
    ...(expected.read_frames ? { read_frames: read } : { read_frames_head_tail_sum: [read.slice(0, 8), read.slice(-8), read.reduce((sum, i) => sum + i, 0)] }),
  };
}

/** The bounds are in the names. Where the reference makes an empty picture, stave refuses. */
function checkSizes({ height, width, expected }: SizeCase): unknown {
  return Object.fromEntries(Object.keys(expected).map((name) => {
    const [, kind, min_pixels, max_pixels] = /^(.*)_(\d+)_(\d+)$/.exec(name)!;
    const pixels = { min_pixels: Number(min_pixels), max_pixels: Number(max_pixels) };
    const size = () => (kind === 'benchmarks' ? frameSize(height, width, parsePreprocessorConfig(pixels)) : processorSize(height, width, pixels));
    return [name, attempt(() => { const { height, width } = size(); return [height, width]; })];
  }));
}

/** From the questions and answers that the samples hold, everything else is made again. */
function checkResultFiles({ files, results_json_keys, samples_jsonl, ...wanted }: ResultFiles): Row {
  const [, folder, date, name] = /^(.*)\/(\d{8}_\d{6})_samples_(.*)\.jsonl$/.exec(files[1])!;
  const [task] = benchmark(name);
  const scored = samples_jsonl.map(({ doc_id, doc, resps: [[answer]] }) => {
    const [row] = task.read([doc]);
    const question = task.ask(row), open = task.score(row, answer);
    const verdict = isOpen(open) ? open.settle(undefined)! : open;
    return { verdict, line: sampleLine(task, doc_id, doc, { prompt: videoAndText(question).text, target: question.target, answer, verdict }, { reference: true }) };
  });
  const run = { model: folder.replace('__', '/'), date, results: [task.result(scored.map(({ verdict }) => verdict))], groups: task.group === undefined ? {} : { [name]: task.group } };
  const file = resultsFile({ ...run, samples: { [name]: scored.map(({ line }) => line) } });
  return equal(
    { files: resultPaths(run), results_json_keys: Object.keys(file), results: file.results, group_subtasks: file.group_subtasks, n_samples: file['n-samples'], higher_is_better: file.higher_is_better, samples_jsonl: scored.map(({ line }) => line) },
    { files, results_json_keys, samples_jsonl, ...wanted },
  );
}

export function checkHarness(dir: string): Promise<Row[]> {
  return checkSections(dir, 'harness', sections);
}
