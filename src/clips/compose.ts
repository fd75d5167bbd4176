import { actionIds, type Action } from './actions.ts';
import { castAction } from './cast-action.ts';
import { castCount } from './cast-count.ts';
import { castOrder } from './cast-order.ts';
import { castStill } from './cast-still.ts';
import { addDistractors } from './cast.ts';
import { chooseBackground } from './choose-background.ts';
import { random, type Random } from './random.ts';
import { isStill, type Camera, type Kind, type Scene } from './scene.ts';

export type SceneOptions = {
  /** Drawn when absent: 60 % action, 20 % order, 20 % count. */
  kind?: Kind;
  action?: Action;
  count?: 'blink' | 'bounce';
  /** Width by height; drawn from the usual landscape and portrait ratios when absent. */
  aspect?: number;
};

/** A scene from a seed: the same seed and options give the same scene on every machine. */
export function makeScene(seed: string | number, options: SceneOptions = {}): Scene {
  const r = random(seed, 'scene');
  const kind = options.kind ?? (options.action ? 'action' : options.count ? 'count' : r.weighted({ action: 60, order: 20, count: 20 }));
  const scene: Scene = {
    seed: String(seed),
    kind,
    ...chooseSize(r, options.aspect),
    ...chooseLength(r, kind),
    background: undefined as never, // chosen last, to contrast with the actors
    camera: chooseCamera(r),
    actors: [],
    cast: 1,
    reversed: r.chance(0.5),
    mirrored: r.chance(0.5),
  };
  if (kind === 'action') castAction(scene, options.action ?? r.pick(actionIds), random(seed, 'action'));
  if (kind === 'order') castOrder(scene, random(seed, 'order'));
  if (kind === 'count') castCount(scene, options.count ?? r.pick(['blink', 'bounce'] as const), random(seed, 'count'));
  if (isStill(kind)) castStill(scene, kind === 'still' ? 1 : r.int(2, 4), random(seed, 'still'));
  if (kind !== 'order' && !isStill(kind) && r.chance(0.42)) addDistractors(scene, r.chance(0.3) ? 2 : 1, random(seed, 'distractors'));
  scene.background = chooseBackground(scene, random(seed, 'background'));
  return scene;
}

const ratios = [1, 5 / 4, 4 / 3, 3 / 2, 16 / 10, 16 / 9, 1.85, 2];

const even = (x: number): number => Math.min(640, Math.max(96, 2 * Math.round(x / 2)));

/** 96–640 pixels a side, even (as the encoders want it). */
function chooseSize(r: Random, aspect?: number): { width: number; height: number } {
  let ratio = aspect ?? r.pick(ratios);
  if (aspect === undefined && r.chance(0.5)) ratio = 1 / ratio;
  const long = Math.max(ratio, 1 / ratio);
  const short = 96 * (640 / long / 96) ** r.next(); // as many small sizes as large ones
  return ratio >= 1 ? { width: even(short * ratio), height: even(short) } : { width: even(short), height: even(short / ratio) };
}

/** 1–6 s at 8–30 fps; order and count have more to show and get at least 24 frames. */
function chooseLength(r: Random, kind: Kind): { fps: number; frames: number } {
  const fps = r.pick([8, 10, 12, 15, 16, 20, 24, 25, 30, 30]);
  const frames = Math.round(r.range(1, 6) * fps);
  return { fps, frames: Math.min(6 * fps, Math.max(frames, kind === 'action' ? 8 : 24)) };
}

function chooseCamera(r: Random): Camera {
  return {
    noise: r.chance(0.35) ? 0 : r.range(0.5, 12),
    gray: r.chance(0.5),
    shake: r.chance(0.65) ? 0 : r.range(0.004, 0.018),
    shakes: r.range(1, 6),
    flicker: r.chance(0.7) ? 0 : r.range(0.01, 0.07),
    flickers: r.pick(['fast', 'slow'] as const),
    vignette: r.chance(0.8) ? 0 : r.range(0.1, 0.4),
  };
}
