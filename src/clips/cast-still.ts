import { chooseActor, distance } from './cast.ts';
import { place } from './cast-action.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';

/** Radii of the shapes in a picture of one, two, three or four. */
const radii = [[0.15, 0.42], [0.12, 0.3], [0.1, 0.24], [0.1, 0.2]] as const;

/** Things that stand still side by side, no two alike in shape or colour: pictures to learn looks and places from, many at a glance. */
export function castStill(scene: Scene, count: number, r: Random): void {
  for (let i = 0; i < count; i++) {
    const actor = chooseActor(r, { not: scene.actors, radius: [...radii[count - 1]] });
    for (let attempt = 0; attempt < 40; attempt++) {
      place(scene, actor, r);
      if (!scene.actors.every((other) => distance(actor, other) > 1.05)) continue;
      scene.actors.push(actor);
      break;
    }
  }
  scene.cast = scene.actors.length;
}
