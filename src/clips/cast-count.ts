import { chooseActor } from './cast.ts';
import { place } from './cast-action.ts';
import { blinkAlpha, bounceHeight, type Motion } from './motion.ts';
import type { Random } from './random.ts';
import { evenFrames, extent, type Actor, type Scene } from './scene.ts';

/** How often a thing blinks or bounces at most. */
export const MOST_TIMES = 4;

/** One actor that blinks or bounces up to so many times, each time long enough to be seen in 16 even frames. */
export function castCount(scene: Scene, what: 'blink' | 'bounce', r: Random): void {
  const times = r.int(0, MOST_TIMES);
  const actor = chooseActor(r, { radius: what === 'blink' ? [0.12, 0.32] : [0.1, 0.17] });
  scene.count = { what, times };
  scene.actors.push(actor);
  if (what === 'blink') {
    place(scene, actor, r);
    if (times > 0) actor.motions.push(retry(() => blinks(times, r), (m) => seenBlinks(scene, m) === times));
    if (r.chance(0.25)) drift(scene, actor, r, 0.15);
  } else bouncer(scene, actor, times, r);
}

function retry<T>(make: () => T, good: (made: T) => boolean): T {
  for (let i = 0; i < 500; i++) {
    const made = make();
    if (good(made)) return made;
  }
  throw new Error('no count motion found: its bounds leave no room'); // a bug here, never a user's doing
}

type Blink = Extract<Motion, { type: 'blink' }>;
type Bounce = Extract<Motion, { type: 'bounce' }>;

/** on, off, on, …, on: inner phases of at least 1.5 of the 15 steps between frames, the rest shared out at random. */
function blinks(times: number, r: Random): Blink {
  const step = 1 / 15;
  const least = Array.from({ length: 2 * times + 1 }, (_, i) => (i === 0 || i === 2 * times ? 0.9 : 1.52) * step);
  const even = r.chance(0.4); // a steady rhythm, or not
  const shares = least.map((_, i) => (even && i > 0 && i < 2 * times ? 0.5 : r.next() ** 2));
  const scale = ((1 - least.reduce((a, b) => a + b)) * (even || r.chance(0.5) ? r.range(0.3, 1) : 1)) / shares.reduce((a, b) => a + b);
  const off: [number, number][] = [];
  let at = 0;
  least.forEach((l, i) => {
    const length = l + shares[i] * scale;
    if (i % 2 === 1) off.push([at, at + length]);
    at += length;
  });
  const slack = 1 - at;
  const shift = r.next() * slack;
  return { type: 'blink', off: off.map(([a, b]) => [a + shift, b + shift]), fade: r.chance(0.6) ? 0 : r.range(0.005, 0.03) };
}

function seenBlinks(scene: Scene, motion: Blink): number {
  const on = evenFrames(scene.frames, 16).map((k) => blinkAlpha(motion, k / (scene.frames - 1)));
  if (on.some((a) => a > 0.25 && a < 0.75) && motion.off.length === 4) return -1;
  return runs(on.map((a) => a < 0.5));
}

/** How many runs of true there are. */
const runs = (flags: boolean[]): number => flags.filter((f, i) => f && !flags[i - 1]).length;

/** Hops off a floor, or falls in from the air and bounces off it; sometimes travelling on the way. */
function bouncer(scene: Scene, actor: Actor, times: number, r: Random): void {
  const { ex, ey } = extent(scene);
  const R = actor.radius;
  const floor = ey - 0.95 * R - r.range(0, 0.16);
  const most = Math.min(floor - 0.9 * R, 0.75);
  const height = Math.max(0.24, r.range(0.45, 1) * most);
  actor.x = r.range(R, ex - R);
  actor.y = floor - (times === 0 && r.chance(0.5) ? r.range(0, most) : 0);
  if (times > 0) actor.motions.push(retry(() => (r.chance(0.7) ? hops(times, height, r) : drops(times, height, r)), (m) => seenBounces(scene, m, height) === times));
  if (r.chance(0.45)) drift(scene, actor, r, 0.9 * ex);
}

/** Starts and ends on the floor; every hop goes up and comes down. */
function hops(times: number, height: number, r: Random): Bounce {
  const decay = r.chance(0.3) ? r.range(0.85, 0.97) : 1;
  const period = r.range(2.9 / 15, Math.min(0.96 / times, 0.42));
  const width = period * r.range(0.68, 1);
  const start = r.range(0.01, 0.99 - (times - 1) * period - width);
  return {
    type: 'bounce',
    form: r.chance(0.65) ? 'parabola' : 'sine',
    hops: Array.from({ length: times }, (_, i) => ({ start: start + i * period, end: start + i * period + width, height: height * decay ** i })),
  };
}

/** Starts in the air and ends in the air: touches the floor `times` times. The first and last hop lie half outside the clip. */
function drops(times: number, height: number, r: Random): Bounce {
  const period = r.range(2.9 / 15, Math.min(1.02 / times, 0.5));
  const first = r.range(1.3 / 15, 1 - 1.3 / 15 - (times - 1) * period); // of the floor contacts
  const last = first + (times - 1) * period;
  const inner = Array.from({ length: times - 1 }, (_, i) => ({ start: first + i * period, end: first + (i + 1) * period, height }));
  const reach = Math.max(2 * first, period);
  const rest = Math.max(2 * (1 - last), period);
  return { type: 'bounce', form: r.chance(0.8) ? 'parabola' : 'sine', hops: [{ start: first - reach, end: first, height }, ...inner, { start: last, end: last + rest, height }] };
}

/** Hops seen in 16 even frames: runs above 0.62 of the height with dips below 0.42 between them; from the air, the dips count. */
function seenBounces(scene: Scene, motion: Bounce, height: number): number {
  const heights = evenFrames(scene.frames, 16).map((k) => bounceHeight(motion, k / (scene.frames - 1)) / height);
  const levels = heights.filter((h) => h > 0.62 || h < 0.42).map((h) => h > 0.5);
  const airborne = motion.hops[0].start < 0;
  if (airborne) return levels[0] && levels.at(-1) ? runs(levels.map((l) => !l)) : -1;
  return runs(levels);
}

/** A slow way across while it blinks or bounces. */
function drift(scene: Scene, actor: Actor, r: Random, most: number): void {
  const { ex } = extent(scene);
  const to = r.range(Math.max(actor.radius, actor.x - most), Math.min(ex - actor.radius, actor.x + most));
  actor.motions.push({ type: 'move', dx: to - actor.x, dy: 0, timing: { start: 0, end: 1, ease: 'linear', pause: 0 } });
}
