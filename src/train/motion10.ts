import { isStill, makeScene, random } from '../clips/index.ts';
import { frameSize, gridOf, mropeTables, parsePreprocessorConfig, pixelBytes, ropeIndex, visionTables, visualTokens, type Grid, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Question } from '../tasks/question.ts';
import { reverseClip, trainingClip, type TrainingClip } from '../tasks/training-clip.ts';
import { encodeConversation, labelsOf, type ChatTemplate, type Tokenizer } from '../text/index.ts';
import { picturesOf } from '../video/pictures.ts';
import { packBatch, splitPrefix, type Batch, type BatchId, type Sample, type Segment } from './batch.ts';
import { preprocessorJson } from './export.ts';
import { everything, turnAt, type Turn } from './lesson.ts';
import type { Recipe } from './recipe.ts';
import type { Motion10Data } from './recipe-data.ts';

export type Motion10Settings = { data: Motion10Data; batch: Recipe['batch']; evaluation: Recipe['eval'] };

type FrameSize = { width: number; height: number };

/** What a batch holds: the recipe's usual, or what its lesson says. */
type Setting = Required<Pick<Turn, 'frames' | 'clips' | 'questions' | 'pixels' | 'scenes'>> & Pick<Turn, 'kinds' | 'actions'> & { /** Share of clips in their simplest look */ plain: number; upright?: number };

/** Batches of Motion-10: clips of one grid, each with some of the questions that fit it. A batch is a function of the settings and its id alone. */
export function motion10Batches(settings: Motion10Settings, config: Qwen2VLConfig, tokenizer: Tokenizer, template: ChatTemplate): (id: BatchId) => Batch {
  const { data, batch, evaluation } = settings;
  const { vision_config: vision } = config;
  const merge = vision.spatial_merge_size;
  const preprocessor = parsePreprocessorConfig(preprocessorJson(data));
  const head_dim = config.hidden_size / config.num_attention_heads;

  let last: TrainingClip | undefined;

  return ({ set, index }) => {
    const { seed, lesson } = set === 'train' // the sets share no clip
      ? { seed: `train/${data.seed}/${index}`, lesson: turnAt(data.lessons, Math.floor(index / batch.accumulate)) }
      : { seed: `eval/${evaluation.seed}/${index}`, lesson: undefined };
    const setting = settingOf(lesson);
    // The size a clip of the task would get when the model is used: sizes are as frequent in training as they will be then.
    const natural = makeScene(`${seed}/size`);
    const { height, width } = frameSize(natural.height, natural.width, { ...preprocessor, min_pixels: setting.pixels[0], max_pixels: setting.pixels[1] });
    const grid = gridOf(setting.frames, { height, width }, preprocessor);
    const samples = Array.from({ length: setting.clips }, (_, b) => sample(seed, b, grid, { ...setting, height, width }));
    return packBatch(samples, {
      videoToken: config.video_token_id,
      average: batch.average,
      scale: 1 / batch.accumulate,
      visionTables: visionTables(grid, vision),
      rope: (positions) => mropeTables(positions, { head_dim, rope_theta: config.rope_theta, mrope_section: config.rope_scaling.mrope_section }),
    });
  };

  /** @param lesson that the batch is of; none in an evaluation and after the last one */
  function settingOf(lesson: ReturnType<typeof turnAt>): Setting {
    const usual: Setting = { frames: data.frames, clips: batch.clips, questions: data.questions, pixels: [data.min_pixels, data.max_pixels], scenes: everything, plain: 0 };
    if (lesson === undefined) return usual;
    const { turn: { plain, upright, ...turn }, progress } = lesson;
    const at = ([from, to]: [number, number]): number => from + (to - from) * progress;
    return { ...usual, ...turn, plain: at(plain), ...(upright ? { upright: at(upright) } : {}) };
  }

  function sample(seed: string, b: number, grid: Grid, setting: Setting & FrameSize): Sample {
    const { kinds } = setting;
    const clip = clipOf(seed, b, setting);
    const asked = clip.qa.filter(({ kind }) => kinds === undefined || kinds.includes(kind));
    const conversations = chooseQuestions(asked.length > 0 ? asked : clip.qa, setting.questions, `${seed}/${b}`).map((qa) => ({ kind: qa.kind, ...encode(qa, visualTokens(grid, merge)) }));
    const { prefix } = conversations[0];
    const { position_ids, rope_delta } = ropeIndex(prefix, { videos: [grid], second_per_grid_ts: [secondsPerGroup(clip.scene, setting.frames)] }, { ...config, spatial_merge_size: merge, tokens_per_second: vision.windowed?.tokens_per_second });
    return {
      seed: `${seed}/${b}`,
      prefix,
      positions: position_ids,
      next: prefix.length + rope_delta,
      segments: conversations.map(({ kind, ids, labels }): Segment => ({ kind, ids, labels })),
      pixels: pixelBytes(picturesOf(clip.frames, clip.width, clip.height), { ...preprocessor, do_resize: false }).pixel_values,
      grid: [...grid],
    };
  }

  /** As the frames of a file would tell it. Seconds; null for one frame. */
  function secondsPerGroup({ frames, fps }: TrainingClip['scene'], shown: number): number | null {
    return shown === 1 ? null : (vision.temporal_patch_size * (frames - 1)) / fps / (shown - 1);
  }

  /** Clip b of the batch; in pairs every other one is the one before it played backwards (a picture has no reversal). */
  function clipOf(seed: string, b: number, setting: Setting & FrameSize): TrainingClip {
    const { frames, width, height, scenes, actions, plain, upright } = setting;
    const pair = data.pairs && !scenes.some(isStill);
    if (pair && b % 2 === 1) return reverseClip(clipOf(seed, b - 1, setting));
    if (last?.scene.seed === `${seed}/${b}`) return last; // the one before in a pair
    const r = random(seed, b, 'setting');
    const simple = r.next() < plain, kind = r.pick(scenes);
    return (last = trainingClip(seed, b, { frames, width, height, plain: simple, upright, kind, action: kind === 'action' && actions ? r.pick(actions) : undefined }));
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
