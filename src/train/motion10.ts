import { makeScene, random } from '../clips/index.ts';
import { frameSize, gridOf, mropeTables, parsePreprocessorConfig, pixelBytes, ropeIndex, spaceTables, timeTables, visualTokens, type Grid, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Question, QuestionKind } from '../tasks/questions.ts';
import { reverseClip, trainingClip, type TrainingClip, type TrainingClipOptions } from '../tasks/training-clip.ts';
import { encodeConversation, labelsOf, type ChatTemplate, type Tokenizer } from '../text/index.ts';
import { packBatch, splitPrefix, type Batch, type Sample, type Segment } from './batch.ts';
import type { BatchId, DataSettings } from './data.ts';
import { preprocessorJson } from './export.ts';

/** Batches of Motion-10: clips of one grid, each with some of the questions that fit it. A batch is a function of the settings and its id alone. */
export function motion10Batches(settings: DataSettings, config: Qwen2VLConfig, tokenizer: Tokenizer, template: ChatTemplate): (id: BatchId) => Batch {
  const { data, batch, evaluation } = settings;
  const { vision_config: vision } = config;
  const merge = vision.spatial_merge_size;
  const preprocessor = parsePreprocessorConfig(preprocessorJson(data));
  const head_dim = config.hidden_size / config.num_attention_heads, visionHead = vision.embed_dim / vision.num_heads;

  const small = { ...preprocessor, min_pixels: data.small_pixels[0], max_pixels: data.small_pixels[1] };
  const sizeOf = (set: string, index: number) => (set === 'train' && index < data.small_steps * batch.accumulate ? small : preprocessor);
  let last: TrainingClip | undefined;

  return ({ set, index }) => {
    const seed = set === 'train' ? `train/${data.seed}` : `eval/${evaluation.seed}`; // the sets share no clip
    // The size a clip of the task would get when the model is used: sizes are as frequent in training as they will be then.
    const natural = makeScene(`${seed}/size/${index}`);
    const { height, width } = frameSize(natural.height, natural.width, sizeOf(set, index));
    const grid = gridOf(data.frames, { height, width }, preprocessor);
    const samples = Array.from({ length: batch.clips }, (_, b) => sample(seed, index * batch.clips + b, grid, { height, width, plain: set === 'train' && isPlain(index, b), kinds: set === 'train' ? kindsAt(index) : undefined }));
    const space = spaceTables(grid[1], grid[2], visionHead, merge), time = timeTables(grid[0], visionHead);
    return packBatch(samples, {
      videoToken: config.video_token_id,
      average: batch.average,
      scale: 1 / batch.accumulate,
      visionTables: { space_cos: space.cos, space_sin: space.sin, time_cos: time.cos, time_sin: time.sin },
      rope: (positions) => mropeTables(positions, { head_dim, rope_theta: config.rope_theta, mrope_section: config.rope_scaling.mrope_section }),
    });
  };

  function sample(seed: string, number: number, grid: Grid, { height, width, plain, kinds }: { height: number; width: number; plain: boolean; kinds?: readonly QuestionKind[] }): Sample {
    const clip = clipOf(seed, number, { frames: data.frames, width, height, plain, kind: kinds && !kinds.includes('order') && !kinds.includes('count') ? 'action' : undefined });
    const asked = clip.qa.filter(({ kind }) => kinds === undefined || kinds.includes(kind));
    const conversations = chooseQuestions(asked.length > 0 ? asked : clip.qa, data.questions, `${seed}/${number}`).map((qa) => ({ kind: qa.kind, ...encode(qa, visualTokens(grid, merge)) }));
    const { prefix } = conversations[0];
    const { position_ids, rope_delta } = ropeIndex(prefix, { videos: [grid] }, { ...config, spatial_merge_size: merge });
    return {
      seed: `${seed}/${number}`,
      prefix,
      positions: position_ids,
      next: prefix.length + rope_delta,
      segments: conversations.map(({ kind, ids, labels }): Segment => ({ kind, ids, labels })),
      pixels: pixelBytes(framesOf(clip), { ...preprocessor, do_resize: false }).pixel_values,
      grid: [...grid],
    };
  }

  /** The lesson that batch `index` belongs to; undefined: everything is asked. */
  function kindsAt(index: number): readonly QuestionKind[] | undefined {
    let end = 0;
    return data.curriculum.find(({ steps }) => index < (end += steps * batch.accumulate))?.kinds;
  }

  /** Clips of the first batches are in their simplest look; later ones less and less often (a pair agrees). */
  function isPlain(index: number, b: number): boolean {
    const share = 1 - index / (data.plain_steps * batch.accumulate);
    return share > 0 && random(`${data.seed}/${index}/${b >> 1}`, 'plain').next() < share;
  }

  function clipOf(seed: string, number: number, options: TrainingClipOptions): TrainingClip {
    if (data.pairs && number % 2 === 1) return reverseClip(clipOf(seed, number - 1, options));
    const { width, height } = options;
    if (last?.scene.seed !== `${seed}/${number}` || last.width !== width || last.height !== height) last = trainingClip(seed, number, options);
    return last; // the one before in a pair
  }

  /** A question with its answer as the chat template writes it, cut where the clip ends. */
  function encode({ question, answer }: Question, tokens: number): { prefix: number[]; ids: number[]; labels: number[] } {
    const conversation = encodeConversation(
      tokenizer,
      template,
      [
        { role: 'user', content: [{ type: 'video' }, { type: 'text', text: question }] },
        { role: 'assistant', content: [{ type: 'text', text: answer }] },
      ],
      { videoTokens: [tokens] },
    );
    const cut = splitPrefix(conversation.ids, config.vision_end_token_id);
    return { prefix: conversation.ids.slice(0, cut), ids: conversation.ids.slice(cut), labels: [...labelsOf(conversation)].slice(cut) };
  }
}

/** The clip's main question (the first) and others by chance; all when there are no more. */
function chooseQuestions(qa: readonly Question[], count: number, seed: string): Question[] {
  if (qa.length <= count) return [...qa];
  return [qa[0], ...random(seed, 'choose').shuffle(qa.slice(1)).slice(0, count - 1)];
}

function framesOf({ frames, width, height }: TrainingClip): { data: Uint8Array; width: number; height: number }[] {
  const size = width * height * 3;
  return Array.from({ length: frames.length / size }, (_, i) => ({ data: frames.subarray(i * size, (i + 1) * size), width, height }));
}
