import { StaveError } from '../errors.ts';
import { ropeIndex, visualTokens, type Grid, type PreprocessorConfig, type Qwen2VL, type TimeRounding } from '../models/qwen2vl/index.ts';
import { encodeConversation, type Conversation } from '../text/index.ts';
import type { ReadOptions } from '../video/index.ts';
import { encoderRuns, type TemporalScope } from './encoder.ts';
import { checkLimits } from './fitting.ts';
import type { FrameSampling } from './frame-sampling.ts';
import { glance, planMedia, type Glance, type MediaOptions, type MediaPlan, type MediaSource } from './media.ts';
import { availableMemory } from './machine.ts';
import { estimateMemory, type Amounts, type MemoryEstimate } from './memory.ts';
import { splitMedia, type ChatMessage } from './messages.ts';
import type { ModelFiles } from './model-files.ts';
import { pixelBounds, type PixelBounds, type PixelOptions } from './pixel-bounds.ts';
import { cutsOf } from './reuse/cuts.ts';
import { resolveSettings, type GenerationOptions, type GenerationSettings, type Setting } from './settings.ts';
import { lighterWeights } from './weights.ts';

export type AskOptions = GenerationOptions & PixelOptions & {
  /** Which frames the model sees. Default: what the model says in config.json (`stave.sampling`), else the authors' rule. */
  sampling?: FrameSampling;
  /** Default `item`: each video by itself. */
  temporal_scope?: TemporalScope;
  /** How seconds become positions in Qwen2.5-VL. Default `exact`; `reference` as transformers 4.57 does it. */
  time_rounding?: TimeRounding;
  /** How files are read: isolation, limits, damaged files. */
  read?: Omit<ReadOptions, 'signal'>;
  /** What an answer may take. Default: as many tokens as the model has positions for, as many bytes as the process can have now. */
  limits?: { tokens?: number; memory?: number };
  /** The one token that ends the answer, as the tokenizer writes it. Default: those that generation_config.json names. */
  eos_token?: string;
  /** The prompt is not read before this resolves; videos are decoded and encoded meanwhile. If it rejects, so does the answer. */
  after?: Promise<unknown>;
  signal?: AbortSignal;
};

/** How a prompt is read. */
export type ReadingOptions = AskOptions & {
  /** Tokens that are read side by side behind the prompt, see Decoder.branch; absent: an answer is written there. */
  branches?: number;
};

/** Of a question about one video. */
export type QuestionOptions = AskOptions & {
  /** The system prompt. Default: what the chat template brings, if anything. */
  system?: string;
};

/** What decides an answer besides the model and what is asked; each setting with where it came from. */
export type AnswerSettings = {
  /** Which frames are seen, how large (of videos, and of images), and how tokens are chosen. */
  sampling: { frames: Setting<FrameSampling>; pixels: PixelBounds; image_pixels: PixelBounds; tokens: GenerationSettings };
  temporal_scope: TemporalScope;
  time_rounding: TimeRounding;
};

/** What an answer will take, told without decoding a frame. */
export type Plan = Glance & {
  /** Every video and image, in the order of the messages. */
  media: MediaPlan[];
  /** Tokens before the answer, visual ones included. */
  prompt_tokens: number;
  visual_tokens: number;
  /** Bytes. */
  memory: MemoryEstimate;
  /** The model's own files. */
  weights: StoredWeights;
  sampling: Setting<FrameSampling>;
  pixels: PixelBounds;
  settings: GenerationSettings;
};

/** Weights as they lie on the disk: bytes, and the element types of safetensors; of converted ones int8, int4, … */
export type StoredWeights = { parameters: number; bytes: number; dtypes: string[] };

/** A prompt as tokens with their M-RoPE positions; see cutsOf. */
export type PromptTokens = { ids: number[]; position_ids: Int32Array; rope_delta: number; cuts: number[] };

/** A plan with what is needed to carry it out. */
export type Prepared = { plan: Plan; sources: MediaSource[]; mediaOptions: MediaOptions; prompt: PromptTokens; made: AnswerSettings };

/** The caller's options, else what the model's files say, else defaults. @throws USAGE */
export function answerSettings({ model, generation, generationJson, sampling }: ModelFiles, options: AskOptions): AnswerSettings {
  return {
    sampling: {
      frames: options.sampling === undefined ? sampling : { value: options.sampling, from: 'option' },
      pixels: pixelBounds(options, model.video_preprocessor, model.preprocessor_files.video),
      image_pixels: pixelBounds(options, model.preprocessor, model.preprocessor_files.image),
      tokens: resolveSettings(options, generation, generationJson),
    },
    temporal_scope: options.temporal_scope ?? 'item',
    time_rounding: options.time_rounding ?? 'exact',
  };
}

/** Plans an answer and holds it to the limits. @throws LIMIT naming the numbers; as planMedia does; USAGE */
export async function prepare(files: ModelFiles, messages: readonly ChatMessage[], options: ReadingOptions): Promise<Prepared> {
  const { model, tokenizer, template } = files;
  const { config } = model;
  const { spatial_merge_size, windowed } = config.vision_config;
  const made = answerSettings(files, options);
  const { frames: sampling, pixels, image_pixels, tokens: settings } = made.sampling;
  const preprocessor = { image: within(model.preprocessor, image_pixels), video: within(model.video_preprocessor, pixels) };
  const mediaOptions = { preprocessor, sampling: sampling.value, read: { ...options.read, signal: options.signal } };

  const { messages: plain, media: sources } = splitMedia(messages);
  const media: MediaPlan[] = [];
  for (const source of sources) media.push(await planMedia(source, mediaOptions));
  const of = (kind: string) => media.filter((item) => item.kind === kind);
  const conversation = encodeConversation(tokenizer, template, plain, { addGenerationPrompt: true, videoTokens: of('video').map(({ tokens }) => tokens), imageTokens: of('image').map(({ tokens }) => tokens) });
  const { ids } = conversation;
  const grids = { videos: of('video').map(({ grid }) => grid), images: of('image').map(({ grid }) => grid), second_per_grid_ts: of('video').map(({ second_per_grid_t }) => second_per_grid_t) };
  const positions = ropeIndex(ids, grids, { ...config, spatial_merge_size, tokens_per_second: windowed?.tokens_per_second, time_rounding: made.time_rounding });
  const visual_tokens = media.reduce((sum, { tokens }) => sum + tokens, 0);
  const max_new_tokens = settings.max_new_tokens.value;
  /** With videos and images of these grids. */
  const amounts = (grids: readonly Grid[], branches = options.branches): Amounts => {
    const tokens = grids.reduce((sum, grid) => sum + visualTokens(grid, spatial_merge_size), 0);
    const clips = made.temporal_scope === 'item' ? grids.map(([T, h, w]) => ({ T, h, w })) : encoderRuns(media.map(({ kind }, i) => ({ kind, grid: grids[i] })), 'all');
    return { clips, visual_tokens: tokens, prompt_tokens: ids.length - visual_tokens + tokens, max_new_tokens, branches };
  };
  const memory = (needed: Amounts) => estimateMemory(config, files.weight_bytes, needed);
  const plan: Plan = { ...glance(media), media, prompt_tokens: ids.length, visual_tokens, memory: memory(amounts(media.map(({ grid }) => grid))), weights: storedWeights(model), sampling, pixels, settings };
  const limits = { tokens: Math.min(options.limits?.tokens ?? Infinity, config.max_position_embeddings), memory: options.limits?.memory ?? availableMemory() };
  checkLimits({ media, preprocessor, visual_tokens, prompt_tokens: ids.length, max_new_tokens, branches: options.branches, lighter: () => lighterWeights(files) }, (grids, branches) => {
    const needed = amounts(grids, branches);
    return { tokens: needed.prompt_tokens + max_new_tokens, memory: memory(needed).total };
  }, limits);
  const answers = plain.some(({ role }) => role === 'assistant') ? answerStarts(conversation) : [];
  return { plan, sources, mediaOptions, prompt: { ids, ...positions, cuts: cutsOf(ids, answers, config) }, made };
}

/** Where earlier answers begin; a template under which that can't be told has its prompts cut behind videos and images alone. */
function answerStarts(conversation: Conversation): number[] {
  try {
    return conversation.answerSpans.map(({ start }) => start);
  } catch (error) {
    if (error instanceof StaveError && error.code === 'TOKENIZER') return [];
    throw error;
  }
}

function storedWeights({ parameters, config, weightTypes, weights: { tensors } }: Qwen2VL): StoredWeights {
  const all = [...tensors.values()];
  const dtypes = config.quantization === undefined ? all.map(({ dtype }): string => dtype) : Object.values(weightTypes);
  return { parameters, bytes: all.reduce((sum, { byteLength }) => sum + byteLength, 0), dtypes: [...new Set(dtypes)].toSorted() };
}

function within(preprocessor: PreprocessorConfig, { min_pixels, max_pixels }: PixelBounds): PreprocessorConfig {
  return { ...preprocessor, min_pixels: min_pixels.value, max_pixels: max_pixels.value };
}
