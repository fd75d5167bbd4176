import { opposite, type Action } from './actions.ts';
import { chooseActor, chooseTiming, maybeWobble } from './cast.ts';
import { progress, type Timing } from './motion.ts';
import type { Random } from './random.ts';
import { evenFrames, extent, type Actor, type Scene } from './scene.ts';
import { shapes } from './shapes.ts';

/** One actor that does the action when the scene is seen as it is: reversal and mirror are set off against each other beforehand. */
export function castAction(scene: Scene, seen: Action, r: Random): void {
  let action = seen;
  if (scene.mirrored && isSided(action)) action = opposite[action];
  if (scene.reversed) action = opposite[action];
  scene.action = action;
  switch (action) {
    case 'left-to-right':
    case 'right-to-left':
    case 'rising':
    case 'falling':
      scene.actors.push(traveller(scene, action, r));
      return;
    case 'closer':
    case 'away':
      scene.actors.push(approacher(scene, action === 'closer', r));
      return;
    case 'clockwise':
    case 'anticlockwise':
      scene.actors.push(turner(scene, action === 'clockwise' ? 1 : -1, r));
      return;
    case 'appearing':
    case 'disappearing':
      scene.actors.push(vanisher(scene, action === 'appearing' ? 1 : 0, r));
  }
}

const isSided = (action: Action): boolean => ['left-to-right', 'right-to-left', 'clockwise', 'anticlockwise'].includes(action);

/** Travels by at least a quarter of the view, within it, into it, out of it or right through. */
function traveller(scene: Scene, action: 'left-to-right' | 'right-to-left' | 'rising' | 'falling', r: Random): Actor {
  const actor = chooseActor(r, { small: 0.15 });
  const { ex, ey } = extent(scene);
  const sideways = action === 'left-to-right' || action === 'right-to-left';
  const [long, wide] = sideways ? [ex, ey] : [ey, ex];
  const R = actor.radius;
  const how = r.weighted({ within: 66, enters: 12, leaves: 12, through: 10 });
  const [inside, outside] = [() => r.range(0.8 * R, long - 0.8 * R), -1.1 * R];
  let [from, to] = [0, 0];
  if (how === 'within') do [from, to] = [inside(), inside()].toSorted((a, b) => a - b); while (to - from < Math.min(0.26 * long, 0.9 * (long - 1.6 * R)));
  else if (how === 'enters') [from, to] = [outside, r.range(0.42, 0.95) * (long - R)];
  else if (how === 'leaves') [from, to] = [long - r.range(0.42, 0.95) * (long - R), long - outside];
  else [from, to] = [outside, long - outside];
  if (action === 'right-to-left' || action === 'rising') [from, to] = how === 'within' ? [to, from] : [long - from, long - to];

  const slope = r.chance(0.5) ? 0 : r.range(-0.22, 0.22) * Math.abs(to - from);
  const room = Math.max(0, wide - 1.8 * R - Math.abs(slope));
  const across = 0.9 * R + Math.max(0, -slope) + r.next() * room;
  const timing = chooseTiming(r, how === 'within' ? 0.35 : 0.5);
  if (sideways) Object.assign(actor, { x: from, y: across });
  else Object.assign(actor, { x: across, y: from });
  actor.motions.push({ type: 'move', dx: sideways ? to - from : slope, dy: sideways ? slope : to - from, timing });
  if (r.chance(0.12)) actor.motions.push({ type: 'scale', from: 1, to: r.range(0.9, 1.1), timing });
  actor.motions.push(...maybeWobble(r, r.chance(0.5) ? 'angle' : sideways ? 'y' : 'x'));
  return actor;
}

/** Grows (or shrinks) by a factor of 1.5–5. */
function approacher(scene: Scene, closer: boolean, r: Random): Actor {
  const actor = chooseActor(r);
  const { ex, ey } = extent(scene);
  const ratio = 1.5 * (5 / 1.5) ** r.next();
  const far = Math.max(r.range(0.05, 0.18), 0.2 / ratio);
  actor.radius = far; // scale 1 is the far end
  const near = far * Math.min(ratio, 0.62 / far);
  const margin = (e: number): number => Math.min(e / 2, near * r.range(0.7, 1));
  const [mx, my] = [margin(ex), margin(ey)];
  actor.x = r.range(mx, ex - mx);
  actor.y = r.range(my, ey - my);
  const timing = chooseTiming(r, 0.35);
  actor.motions.push({ type: 'scale', from: closer ? 1 : near / far, to: closer ? near / far : 1, timing });
  if (r.chance(0.4)) {
    const [dx, dy] = [r.range(-0.1, 0.1), r.range(-0.1, 0.1)];
    if (Math.abs(actor.x + dx - ex / 2) < ex / 2 - 0.6 * mx && Math.abs(actor.y + dy - ey / 2) < ey / 2 - 0.6 * my) actor.motions.push({ type: 'move', dx, dy, timing });
  }
  actor.motions.push(...maybeWobble(r, 'angle'));
  return actor;
}

/** Turns by 40–540°, but between two of 16 even frames by less than 0.42 of the angle that maps the shape onto itself. */
function turner(scene: Scene, sign: 1 | -1, r: Random): Actor {
  const actor = chooseActor(r, { turns: true, radius: [0.17, 0.34] });
  place(scene, actor, r);
  const symmetry = ((shapes[actor.shape].symmetry || 360) * Math.PI) / 180;
  const least = (40 * Math.PI) / 180;
  const by = least * (540 / 40) ** r.next();
  let timing: Timing = chooseTiming(r, 0.4);
  if (largestStep(scene, least, timing) > 0.42 * symmetry) timing = { start: 0, end: 1, ease: 'linear', pause: 0 };
  const limit = (0.42 * symmetry * by) / largestStep(scene, by, timing);
  actor.motions.push({ type: 'turn', by: sign * Math.min(by, limit), timing });
  if (r.chance(0.2)) actor.motions.push({ type: 'move', dx: r.range(-0.05, 0.05), dy: r.range(-0.05, 0.05), timing });
  return actor;
}

/** Largest turn between two neighbours of 16 even frames, radians. */
function largestStep(scene: Scene, by: number, timing: Timing): number {
  const angles = evenFrames(scene.frames, 16).map((k) => by * progress(timing, k / (scene.frames - 1)));
  return Math.max(...angles.slice(1).map((a, i) => Math.abs(a - angles[i])));
}

/** Comes or goes in its place: at once, by fading, behind a moving edge or grain by grain. */
function vanisher(scene: Scene, to: 0 | 1, r: Random): Actor {
  const actor = chooseActor(r, { radius: [0.11, 0.4], small: 0.1 });
  place(scene, actor, r);
  const style = r.weighted({ pop: 35, fade: 38, wipe: 14, dissolve: 13 });
  const start = r.range(0.15, style === 'pop' ? 0.85 : 0.7);
  const end = style === 'pop' ? start : Math.min(0.88, start + r.range(0.05, 0.5));
  const timing: Timing = { start, end, ease: r.pick(['linear', 'smooth', 'in', 'out'] as const), pause: 0 };
  actor.motions.push({ type: 'show', to, style: style === 'pop' ? 'fade' : style, angle: (r.int(0, 3) * Math.PI) / 2 + (r.chance(0.3) ? r.range(-0.6, 0.6) : 0), timing });
  if (r.chance(0.15)) actor.motions.push({ type: 'move', dx: r.range(-0.05, 0.05), dy: r.range(-0.05, 0.05), timing: { start: 0, end: 1, ease: 'linear', pause: 0 } });
  actor.motions.push(...maybeWobble(r, 'angle'));
  return actor;
}

/** Anywhere with most of the shape in view. */
export function place(scene: Scene, actor: Actor, r: Random): void {
  const { ex, ey } = extent(scene);
  const m = 0.85 * actor.radius + 0.03;
  actor.x = r.range(m, ex - m);
  actor.y = r.range(m, ey - m);
}
