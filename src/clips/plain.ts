import { contrast, type Rgb } from './colors.ts';
import type { Scene } from './scene.ts';

const backgrounds: readonly Rgb[] = [[242, 242, 242], [128, 128, 128], [14, 14, 14]];

/** The same event in its simplest look: evenly painted shapes before white, gray or black, a still camera, nothing else in the view.
 * Training starts with such clips: what moves is found in thousands of them instead of tens of thousands. */
export function plain(scene: Scene): Scene {
  const actors = scene.actors.slice(0, scene.cast).map((actor) => ({ ...actor, fill: actor.fill.type === 'marked' ? actor.fill : ({ type: 'solid' } as const), shadow: 0 }));
  const least = (color: Rgb): number => Math.min(...actors.map(({ rgb }) => contrast(color, rgb)));
  const color = backgrounds.reduce((best, other) => (least(other) > least(best) ? other : best));
  return {
    ...scene,
    actors,
    background: { ...scene.background, type: 'plain', colors: [color, color] },
    camera: { noise: 0, gray: true, shake: 0, shakes: 1, flicker: 0, flickers: 'slow', vignette: 0 },
  };
}
