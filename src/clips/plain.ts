import type { Scene } from './scene.ts';

/** The same event in its simplest look: evenly painted shapes before an even background, a still camera, nothing else in the view.
 * Training starts with such clips: what moves is found in thousands of them instead of tens of thousands. */
export function plain(scene: Scene): Scene {
  const { background } = scene;
  return {
    ...scene,
    actors: scene.actors.slice(0, scene.cast).map((actor) => ({ ...actor, fill: actor.fill.type === 'marked' ? actor.fill : { type: 'solid' }, shadow: 0 })),
    background: { ...background, type: 'plain', colors: [background.colors[0], background.colors[0]] },
    camera: { noise: 0, gray: true, shake: 0, shakes: 1, flicker: 0, flickers: 'slow', vignette: 0 },
  };
}
