import type { Random } from './random.ts';
import { extent, type Scene } from './scene.ts';

const up = -Math.PI / 2; // an arrow at angle 0 points to the right
const least = Math.PI / 3, most = Math.PI;

/** A clip in which something turns, made easy: it is an arrow in the middle that half-way points up, give or take (1 − `ease`) of half a turn. With
 * `ease` 1 clockwise means that the head goes from left to right; as it sinks, the head may be anywhere. Other clips are left as they are. */
export function upright(scene: Scene, ease: number, r: Random): Scene {
  const { ex, ey } = extent(scene);
  const actors = scene.actors.map((actor) => {
    const motion = actor.motions.find(({ type }) => type === 'turn');
    if (motion?.type !== 'turn') return actor;
    const by = Math.sign(motion.by) * Math.min(most, Math.max(least, Math.abs(motion.by)));
    const angle = up + (1 - ease) * r.range(-Math.PI, Math.PI) - by / 2;
    return { ...actor, shape: 'arrow' as const, round: 0, x: ex / 2, y: ey / 2, angle, motions: [{ ...motion, by }] };
  });
  return { ...scene, actors };
}
