import { mirrored, opposite, type Action } from './actions.ts';
import type { ColorName, Rgb } from './colors.ts';
import type { Motion } from './motion.ts';
import { shapes, type ShapeName } from './shapes.ts';

/** How a shape is painted. Widths are in units of its radius, colours beside the shape's own are set here. */
export type Fill =
  | { type: 'solid' }
  | { type: 'outline'; width: number }
  | { type: 'bordered'; width: number; color: Rgb }
  | { type: 'shaded'; angle: number; strength: number }
  | { type: 'striped' | 'dotted' | 'checked'; period: number; angle: number; factor: number }
  | { type: 'marked'; color: Rgb; mark: 'spot' | 'line' };

export type Actor = {
  shape: ShapeName;
  /** Proportions of the shape: 0, 1 or 2. */
  variant: number;
  color: ColorName;
  rgb: Rgb;
  fill: Fill;
  /** Corners rounded by this part of the radius. */
  round: number;
  /** A soft shadow below it, 0 (none) to 1. */
  shadow: number;
  /** Radius of the bounding circle in units of the frame's short side. */
  radius: number;
  /** Home position in units of the short side, from the top left corner; y downwards. */
  x: number;
  y: number;
  /** Radians, clockwise on the screen. */
  angle: number;
  motions: Motion[];
};

export type Background = {
  type: 'plain' | 'gradient' | 'radial' | 'grain' | 'clouds' | 'stripes' | 'checker' | 'dots' | 'grid' | 'bricks' | 'horizon' | 'blobs';
  colors: [Rgb, Rgb];
  /** Radians. */
  angle: number;
  /** Size of its elements in units of the short side. */
  period: number;
  /** Height of a horizon, in units of the short side from the top. */
  level: number;
  /** Softness of edges, 0 (hard) to 1. */
  soft: number;
  seed: number;
};

export type Camera = {
  /** Standard deviation of each frame's noise, in levels of 255. */
  noise: number;
  /** Noise in brightness only (film grain) or in every channel by itself. */
  gray: boolean;
  /** Largest shift of the view, in units of the short side, and how often it swings in the clip. */
  shake: number;
  shakes: number;
  /** Brightness varies by this part, from frame to frame or as a slow wave. */
  flicker: number;
  flickers: 'fast' | 'slow';
  /** Darkening towards the corners, 0–1. */
  vignette: number;
};

/** `still` (one thing) and `group` (two to four) are for training alone: nothing happens in them. */
export type Kind = 'action' | 'order' | 'count' | 'still' | 'group';

export const isStill = (kind: Kind): boolean => kind === 'still' || kind === 'group';

/** Everything about a clip, as plain data. Same scene, same pixels. */
export type Scene = {
  /** What it was made from; also seeds its noise. */
  seed: string;
  kind: Kind;
  /** Pixels of the clip as a file; frames rendered at another size show the same view. */
  width: number;
  height: number;
  fps: number;
  frames: number;
  background: Background;
  camera: Camera;
  /** Those that move come first; the others stand still all the time. */
  actors: Actor[];
  /** How many of the actors take part in the action (the rest are distractors). */
  cast: number;
  /** Of an action scene, before reversal and mirror. */
  action?: Action;
  /** Of a count scene. */
  count?: { what: 'blink' | 'bounce'; times: number };
  /** Played backwards. */
  reversed: boolean;
  /** Left and right exchanged. */
  mirrored: boolean;
};

/** Size of the view in units of the short side. */
export function extent({ width, height }: { width: number; height: number }): { ex: number; ey: number } {
  const short = Math.min(width, height);
  return { ex: width / short, ey: height / short };
}

/** The same clip played backwards, frame for frame; its action becomes the opposite one and the order of movers turns round. */
export const reverse = (scene: Scene): Scene => ({ ...scene, reversed: !scene.reversed });

/** The same clip in a mirror. */
export const mirror = (scene: Scene): Scene => ({ ...scene, mirrored: !scene.mirrored });

/** The action as seen, after reversal and mirror. */
export function actionOf(scene: Scene): Action | undefined {
  let action = scene.action;
  if (action && scene.reversed) action = opposite[action];
  if (action && scene.mirrored) action = mirrored[action];
  return action;
}

/** Of an order scene: the two movers, the one that moves first in front. */
export function orderOf(scene: Scene): [Actor, Actor] {
  const [first, second] = scene.actors;
  return scene.reversed ? [second, first] : [first, second];
}

/** Whether an actor gets large enough for its shape to be told without doubt. */
export function isTellable(actor: Actor): boolean {
  const largest = Math.max(1, ...actor.motions.map((m) => (m.type === 'scale' ? Math.max(m.from, m.to) : 1)));
  return actor.radius * largest >= shapes[actor.shape].minRadius;
}

/** Indices of `count` frames evenly spread from the first to the last: linspace(0, frames − 1, count), halves rounded to even. */
export function evenFrames(frames: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const x = count === 1 ? 0 : (i * (frames - 1)) / (count - 1);
    const r = Math.round(x);
    return r - x === 0.5 && r % 2 === 1 ? r - 1 : r;
  });
}
