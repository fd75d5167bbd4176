/** What a benchmark is to the programs that run one: rows → questions, answers → verdicts, verdicts → a result. Pure functions: reading files, running
 * a model and asking a judge are others' work. A folder beside this file holds each data set; the files of Motion-10 stand here, as it is drawn, not read. */

/** `paper`: as the published numbers were made, with the quirks of the reference's code. `strict`: those repaired. A result says which. */
export type Protocol = 'paper' | 'strict';

export const protocols = ['paper', 'strict'] as const satisfies readonly Protocol[];

/** A piece of a message. `video`: a path under the folder of the data; the numbers, where they stand, hold for this video alone (pixels of a frame's area, frames per second). */
export type TaskPart = { type: 'text'; text: string } | { type: 'video'; video: string; min_pixels?: number; max_pixels?: number; fps?: number };

/** One turn of a conversation. */
export type TaskMessage = { role: 'system' | 'user' | 'assistant'; content: string | TaskPart[] };

/** What a model is asked about a row. */
export type TaskQuestion = {
  messages: TaskMessage[];
  /** What it may choose from, as they stand in the prompt; absent: the answer is free. */
  options?: Option[];
  /** The right answer as the data has it. */
  target: string;
};

export type Option = { letter: string; text: string };

/** How a clip's frames are chosen; see {@link taskFrames}. Seconds and frames per second. `model`: as the model was made for. */
export type FrameRule =
  | { rule: 'lmms'; max_frames: number }
  | { rule: 'stave'; fps: number; min_frames: number; max_frames: number }
  | { rule: 'ends'; frames: number }
  | { rule: 'model' };

/** How a task runs its model: the same for all its questions. */
export type TaskSettings = {
  generation: Generation;
  /** The token that ends an answer. Absent: those that the checkpoint names. */
  eos_token?: string;
  /** The answer ends before the first of these. */
  until: readonly string[];
  frames: FrameRule;
  /** Bounds of a frame's area. Absent: the model's own. */
  pixels?: { min_pixels: number; max_pixels: number };
  /** `all`: the videos of a question form one temporal sequence, cropped to one size. */
  temporal_scope: 'item' | 'all';
};

/** Named as in generation_config.json, which gives what is not set: the original Qwen checkpoints draw their tokens then, STAVE's have no such file and are greedy. */
export type Generation = { max_new_tokens: number; do_sample?: false; temperature?: number; top_p?: number; num_beams?: number };

/** What a row's files say that the question depends on: rate (frames per second) and number of frames as the container states them (0: unreadable), and the text of the subtitle file. */
export type ClipFacts = { fps: number; frames: number; subtitles?: string };

/** What is known once an answer is scored: points, whether the question counts, and under which names it is counted. */
export type Verdict = {
  score: 0 | 1;
  /** false: left out of the denominator. */
  counted: boolean;
  /** What was taken for the model's choice; empty: none was found. */
  chosen: string;
  /** Name of each kind of category → the row's. */
  categories?: Readonly<Record<string, string>>;
  /** The record as the reference writes it, under the name of its metric. */
  record: Readonly<Record<string, unknown>>;
};

/** An answer that the rules don't settle goes to a judge, another language model. */
export type OpenVerdict = {
  judge: JudgeRequest;
  /** What the judge's reply makes of it; undefined: the reply is no verdict, ask again. Without a reply (no judge, or no tries left): what counts then. */
  settle(reply: string | undefined): Verdict | undefined;
};

export type JudgeRequest = {
  model: string;
  messages: { role: 'system' | 'user'; content: string }[];
  /** As the reference's call has them; what stands in none comes from the judge's own files. */
  settings: { readonly max_tokens?: number; readonly max_new_tokens?: number; readonly temperature?: number; readonly top_p?: number; readonly presence_penalty?: number };
  /** How often it is asked at most. */
  tries: number;
};

/** How a question is decided instead of answered in the model's own words: which of its possible answers is the likeliest. */
export type Deciding<Row> = {
  /** Ways to write each possible answer; the first is what the choice is called. undefined: the answer is free. */
  choices(row: Row): string[][] | undefined;
  /** What a choice is worth, by its name. */
  score(row: Row, choice: string): Verdict;
};

export type Task<Row> = {
  name: string;
  /** Of the tasks that are reported together. */
  group?: string;
  protocol: Protocol;
  /** Name of the number that is reported, as in the reference. */
  metric: string;
  settings: TaskSettings;
  /** What JSON or a table holds → checked rows. @throws DATA naming row and field */
  read(rows: readonly unknown[]): Row[];
  /** @throws DATA when the row's subtitle file is damaged */
  ask(row: Row, facts?: ClipFacts): TaskQuestion;
  /** @param answer as it was decoded, without special tokens */
  score(row: Row, answer: string): Verdict | OpenVerdict;
  /** Absent: all its answers are free. */
  deciding?: Deciding<Row>;
  result(verdicts: readonly Verdict[]): TaskResult;
};

/** Points out of questions that count. */
export type Rate = { right: number; counted: number; /** 0–100; 0 where nothing counts. */ percent: number };

export type TaskResult = Rate & {
  task: string;
  protocol: Protocol;
  metric: string;
  /** All questions, counted or not. */
  questions: number;
  /** Kind of category → name → rate, in the order of the data set's papers. */
  categories: Record<string, Record<string, Rate>>;
};

/** Whether an answer is still to be judged. */
export function isOpen(verdict: Verdict | OpenVerdict): verdict is OpenVerdict {
  return 'judge' in verdict;
}
