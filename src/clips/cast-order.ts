import { chooseActor, distance, inView } from './cast.ts';
import { poseAt, type Motion, type Timing } from './motion.ts';
import type { Random } from './random.ts';
import { extent, type Actor, type Scene } from './scene.ts';

/** Two actors, always in view, that move one after the other (sometimes overlapping in time, never by more than half). */
export function castOrder(scene: Scene, r: Random): void {
  const [first, second] = timings(r);
  for (;;) {
    const a = chooseActor(r, { radius: [0.1, 0.2] });
    const b = chooseActor(r, { not: [a], radius: [0.1, 0.2] });
    if (r.chance(0.2)) b.shape = a.shape === 'circle' || b.fill.type === 'outline' ? b.shape : a.shape; // told apart by colour alone
    if (b.shape === a.shape) Object.assign(b, { variant: a.variant, angle: a.angle, radius: Math.max(a.radius, b.radius) });
    if (!move(scene, a, first, r) || !move(scene, b, second, r) || distance(a, b) < 1) continue;
    scene.actors.push(a, b);
    scene.cast = 2;
    return;
  }
}

/** Each moves for 0.14–0.42 of the clip; the second starts and ends at least 0.2 after the first does. */
function timings(r: Random): [Timing, Timing] {
  const timing = (start: number, end: number): Timing => ({ start, end, ease: r.pick(['linear', 'in', 'out', 'in-out', 'smooth'] as const), pause: 0 });
  for (;;) {
    const [a, b] = [r.range(0.02, 0.5), r.range(0.3, 0.84)];
    const [la, lb] = [r.range(0.14, 0.42), r.range(0.14, 0.42)];
    if (b + lb > 0.99 || b - a < 0.2 || b + lb - a - la < 0.2) continue;
    const overlap = a + la - b;
    if (overlap > 0 && (overlap > 0.5 * Math.min(la, lb) || r.chance(0.6))) continue;
    return [timing(a, a + la), timing(b, b + lb)];
  }
}

/** Finds a place and a way of at least 0.25 units for it; false when this look finds none. */
function move(scene: Scene, actor: Actor, timing: Timing, r: Random): boolean {
  const { ex, ey } = extent(scene);
  for (let attempt = 0; attempt < 40; attempt++) {
    const length = r.range(0.25, 0.75 * Math.max(ex, ey));
    const direction = r.chance(0.6) ? (r.int(0, 3) * Math.PI) / 2 : r.range(0, 2 * Math.PI);
    const [dx, dy] = [Math.cos(direction) * length, Math.sin(direction) * length];
    actor.x = r.range(0, ex);
    actor.y = r.range(0, ey);
    const path: Motion = r.chance(0.15) && length < 0.6 ? { type: 'hop', dx, dy, timing } : { type: 'move', dx, dy, timing };
    actor.motions = [path];
    const seen = [0, 0.25, 0.5, 0.75, 1].every((p) => {
      const pose = poseAt(actor, timing.start + p * (timing.end - timing.start));
      return inView(scene, pose.x, pose.y, actor.radius, 0.1);
    });
    if (seen) return true;
  }
  return false;
}
