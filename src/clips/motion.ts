/** When a motion runs, as parts of the clip (0 the first frame, 1 the last), and how its speed goes. */
export type Timing = {
  start: number;
  end: number;
  ease: 'linear' | 'in' | 'out' | 'in-out' | 'smooth';
  /** Part of the motion's time for which it stands still when half of the way is done; 0: it doesn't. */
  pause: number;
};

/** Lengths in units of the frame's short side, angles in radians (clockwise), times as parts of the clip. */
export type Motion =
  | { type: 'move'; dx: number; dy: number; timing: Timing } // from the home position by (dx, dy)
  | { type: 'hop'; dx: number; dy: number; timing: Timing } // there and back
  | { type: 'scale'; from: number; to: number; timing: Timing }
  | { type: 'turn'; by: number; timing: Timing }
  | { type: 'show'; to: 0 | 1; style: 'fade' | 'wipe' | 'dissolve'; angle: number; timing: Timing }
  | { type: 'blink'; off: [number, number][]; fade: number } // spans of time in which it can't be seen
  | { type: 'bounce'; hops: { start: number; end: number; height: number }[]; form: 'parabola' | 'sine' }
  | { type: 'wobble'; x: number; y: number; angle: number; swings: number; phase: number };

/** Where and how an actor is at one moment. */
export type Pose = {
  x: number;
  y: number;
  scale: number;
  angle: number;
  alpha: number;
  /** A part of the shape that is shown: in front of a moving edge, or as scattered grains. */
  reveal?: { style: 'wipe' | 'dissolve'; angle: number; amount: number };
};

/** How much of a motion is done at time s: 0 before its start, 1 after its end. */
export function progress({ start, end, ease, pause }: Timing, s: number): number {
  if (end <= start) return s >= end ? 1 : 0;
  let t = Math.min(1, Math.max(0, (s - start) / (end - start)));
  if (pause > 0) {
    const half = (1 - pause) / 2;
    t = t < half ? t / (2 * half) : t < half + pause ? 0.5 : 0.5 + (t - half - pause) / (2 * half);
  }
  switch (ease) {
    case 'linear':
      return t;
    case 'in':
      return t * t;
    case 'out':
      return t * (2 - t);
    case 'in-out':
      return t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) * (1 - t);
    case 'smooth':
      return t * t * (3 - 2 * t);
  }
}

/** Height above the floor at time s. */
export function bounceHeight(motion: Extract<Motion, { type: 'bounce' }>, s: number): number {
  for (const { start, end, height } of motion.hops)
    if (s > start && s < end) {
      const t = (s - start) / (end - start);
      return height * (motion.form === 'parabola' ? 4 * t * (1 - t) : Math.sin(Math.PI * t) ** 2);
    }
  return 0;
}

/** Part of full visibility at time s, with soft edges around the spans. */
export function blinkAlpha({ off, fade }: Extract<Motion, { type: 'blink' }>, s: number): number {
  let alpha = 1;
  for (const [a, b] of off) {
    const inside = Math.min(s - a, b - s); // > 0 within the span
    alpha = Math.min(alpha, fade > 0 ? Math.min(1, Math.max(0, 0.5 - inside / fade)) : inside >= 0 ? 0 : 1);
  }
  return alpha;
}

/** What has a place and moves from it. */
export type Moving = { x: number; y: number; angle: number; motions: readonly Motion[] };

/** The actor at time s in [0, 1]: its motions one on top of the other. */
export function poseAt(actor: Moving, s: number): Pose {
  const pose: Pose = { x: actor.x, y: actor.y, scale: 1, angle: actor.angle, alpha: 1 };
  for (const motion of actor.motions) apply(motion, pose, s);
  return pose;
}

function apply(motion: Motion, pose: Pose, s: number): void {
  switch (motion.type) {
    case 'move': {
      const p = progress(motion.timing, s);
      pose.x += motion.dx * p;
      pose.y += motion.dy * p;
      return;
    }
    case 'hop': {
      const p = Math.sin(Math.PI * progress(motion.timing, s));
      pose.x += motion.dx * p;
      pose.y += motion.dy * p;
      return;
    }
    case 'scale': // equal steps look like equal ratios
      pose.scale *= motion.from * (motion.to / motion.from) ** progress(motion.timing, s);
      return;
    case 'turn':
      pose.angle += motion.by * progress(motion.timing, s);
      return;
    case 'show': {
      const p = progress(motion.timing, s);
      const amount = motion.to === 1 ? p : 1 - p;
      if (motion.style === 'fade' || amount === 0) pose.alpha *= amount;
      else if (amount < 1) pose.reveal = { style: motion.style, angle: motion.angle, amount };
      return;
    }
    case 'blink':
      pose.alpha *= blinkAlpha(motion, s);
      return;
    case 'bounce':
      pose.y -= bounceHeight(motion, s);
      return;
    case 'wobble': {
      const w = Math.sin(2 * Math.PI * (motion.swings * s + motion.phase));
      pose.x += motion.x * w;
      pose.y += motion.y * w;
      pose.angle += motion.angle * w;
    }
  }
}
