import { hash, makeScene, plain, random, reverse, trainingFrames, upright, type Scene, type SceneOptions } from '../clips/index.ts';
import type { Question } from './question.ts';
import { questions } from './questions.ts';

export type TrainingClip = {
  scene: Scene;
  /** RGB [frames, height, width, 3] */
  frames: Uint8Array;
  width: number;
  height: number;
  /** One question of every kind that fits the scene (two of yes/no: one true, one false; up to two checks). */
  qa: Question[];
};

export type TrainingClipOptions = {
  /** How many frames, evenly spread over the clip. */
  frames: number;
  /** Pixels of the frames that the model gets; both multiples of 28 for Qwen2-VL. The scene's ratio follows, give or take what rounding to such a size would stretch. */
  width: number;
  height: number;
  /** In its simplest look. */
  plain?: boolean;
  /** How easy it is to see which way a thing turns, 0–1; absent: as it comes. */
  upright?: number;
} & Pick<SceneOptions, 'kind' | 'action' | 'count'>;

/** Clip `index` of the endless training set `seed`: a pure function of its arguments. */
export function trainingClip(seed: string | number, index: number, { frames, width, height, plain: simple = false, upright: ease, ...options }: TrainingClipOptions): TrainingClip {
  const stretch = 0.87 * (1.15 / 0.87) ** (hash(seed, index, 'stretch') / 4294967296);
  const drawn = makeScene(`${seed}/${index}`, { ...options, aspect: (width / height) * stretch });
  const full = ease === undefined ? drawn : upright(drawn, ease, random(drawn.seed, 'upright'));
  const scene = simple ? plain(full) : full;
  return { scene, frames: trainingFrames(scene, { count: frames, width, height }), width, height, qa: questions(scene) };
}

/** The same clip played backwards, with what is then true. Frames are taken in reversed order, not drawn again. */
export function reverseClip(clip: TrainingClip): TrainingClip {
  const size = clip.width * clip.height * 3;
  const count = clip.frames.length / size;
  const frames = new Uint8Array(clip.frames.length); // [F, H, W, 3]
  for (let i = 0; i < count; i++) frames.set(clip.frames.subarray((count - 1 - i) * size, (count - i) * size), i * size);
  const scene = reverse(clip.scene);
  return { ...clip, scene, frames, qa: questions(scene) };
}
