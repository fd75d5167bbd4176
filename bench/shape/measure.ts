/** One process that loads a model and answers about clips of noise; its result is one line of JSON. Started by bench/shape.ts, so that every measurement begins with fresh memory. */
import { load, type AnswerResult, type ChatMessage, type FrameInput, type VideoModel } from '../../src/generate/index.ts';
import type { Grid } from '../../src/models/qwen2vl/index.ts';

export type Task = {
  dir: string;
  threads: number;
  /** A setting of --weights. */
  weights: string;
  /** In a clip. */
  frames: number;
  /** Clips, each another one. */
  clips: number;
  /** Tokens of an answer: the first one comes out of prefill, the others are decoded. */
  tokens: number;
};

/** Seconds. */
type Stages = { vision: number; prefill: number; /** From the question to the first token. */ first_token: number; /** Tokens a second, after the first. */ decode: number };

export type Measured = {
  /** From nothing to an engine that can run. */
  load: number;
  /** Of each clip's first question. */
  answers: Stages[];
  /** Of another question about the last clip. */
  second: Stages;
  prompt_tokens: number;
  visual_tokens: number;
  grid: Grid;
  /** Bytes: the largest resident size so far. */
  memory: { loaded: number; peak: number };
};

/** Frames of 16 × 22 patches. */
const width = 308, height = 224;

/** Tokens before and behind the video, the two that enclose it not counted. */
const before = 20, behind = 30;

export const promptTokens = (visual: number): number => before + 1 + visual + 1 + behind;

export async function measure({ dir, threads, weights, frames, clips, tokens }: Task): Promise<Measured> {
  const start = performance.now();
  await using model = await load(dir, { threads, weights });
  await model.ready();
  const seconds = (performance.now() - start) / 1000;
  const loaded = peakMemory();
  const answers: AnswerResult[] = [];
  let clip: FrameInput[] = [];
  for (let i = 0; i < clips; i++) {
    clip = noise(frames, i);
    answers.push(await ask(model, clip, 'a', tokens));
  }
  const second = await ask(model, clip, 'b', tokens);
  const { prompt_tokens, visual_tokens, grid } = answers[0];
  if (second.reused.visual_tokens !== visual_tokens) throw new Error(`a second question should find ${visual_tokens} visual tokens, ${second.reused.visual_tokens} were there`);
  return { load: seconds, answers: answers.map(stages), second: stages(second), prompt_tokens, visual_tokens, grid: grid!, memory: { loaded, peak: peakMemory() } };
}

function ask(model: VideoModel, video: FrameInput[], letter: string, tokens: number): Promise<AnswerResult> {
  const content: ChatMessage['content'] = [{ type: 'text', text: 'p'.repeat(before) }, { type: 'video', video }, { type: 'text', text: letter.repeat(behind) }];
  return model.generate([{ role: 'user', content }], { max_new_tokens: tokens, do_sample: false, repetition_penalty: 1 }).result();
}

function stages({ timings: { plan, decode, vision, prefill, generate }, token_ids }: AnswerResult): Stages {
  return { vision, prefill, first_token: plan + decode + vision + prefill, decode: (token_ids.length - 1) / generate };
}

/** Bytes that no other clip has. */
function noise(frames: number, clip: number): FrameInput[] {
  let state = clip + 1;
  return Array.from({ length: frames }, () => {
    const data = new Uint8Array(width * height * 3);
    for (let i = 0; i < data.length; i++) data[i] = (state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 24;
    return { data, width, height };
  });
}

const peakMemory = (): number => process.resourceUsage().maxRSS * 1024;

if (import.meta.main) console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]) as Task)));
