import { contrast, type Rgb } from './colors.ts';
import { isStill, type Scene } from './scene.ts';

const backgrounds: readonly Rgb[] = [[124, 116, 104], [240, 240, 240]];

/** The same event in its simplest look: large, evenly painted shapes before gray (white where gray would hide them), a still camera, nothing else in the view.
 * Training starts with such clips: what moves is found in thousands of them instead of tens of thousands. */
export function plain(scene: Scene): Scene {
  const actors = scene.actors.slice(0, scene.cast).map((actor) => ({
    ...actor,
    radius: isStill(scene.kind) || actor.motions.some(({ type }) => type === 'scale') ? actor.radius : Math.min(0.4, actor.radius * 2),
    fill: actor.fill.type === 'marked' ? actor.fill : ({ type: 'solid' } as const),
    shadow: 0,
  }));
  const least = (color: Rgb): number => Math.min(...actors.map(({ rgb }) => contrast(color, rgb)));
  const color = backgrounds.find((rgb) => least(rgb) > 30) ?? backgrounds[1];
  return {
    ...scene,
    actors,
    background: { ...scene.background, type: 'plain', colors: [color, color] },
    camera: { noise: 0, gray: true, shake: 0, shakes: 1, flicker: 0, flickers: 'slow', vignette: 0 },
  };
}
