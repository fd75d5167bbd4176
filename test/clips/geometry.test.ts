import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionIds, actionOf, makeScene, orderOf, type Action, type Scene } from '../../src/clips/index.ts';
import { shapes } from '../../src/clips/shapes.ts';
import { look, markTurned, size, turned, type Seen } from './measure.ts';

const seeds = Array.from({ length: 24 }, (_, i) => `geometry/${i}`);
const shown = (seen: Seen[]): Seen[] => seen.filter((s) => s.area > 20);
const first = <T>(list: T[]): T => list[0];
const last = <T>(list: T[]): T => list[list.length - 1];

/** How far the whole figure's centre goes, in pixels; parts cut off by the edge pull the centroid inwards, never the other way round. */
function travel(seen: Seen[]): { x: number; y: number } {
  return { x: last(shown(seen)).x - first(shown(seen)).x, y: last(shown(seen)).y - first(shown(seen)).y };
}

/** What the pixels must show for each action. */
const checks: Record<Action, (seen: Seen[], scene: Scene) => void> = {
  'left-to-right': (seen) => goes(seen, 1, 0),
  'right-to-left': (seen) => goes(seen, -1, 0),
  rising: (seen) => goes(seen, 0, -1), // y grows downwards
  falling: (seen) => goes(seen, 0, 1),
  closer: (seen) => grows(seen),
  away: (seen) => grows(seen.toReversed()),
  clockwise: (seen, scene) => turns(seen, scene, 1),
  anticlockwise: (seen, scene) => turns(seen, scene, -1),
  appearing: (seen) => appears(seen),
  disappearing: (seen) => appears(seen.toReversed()),
};

function goes(seen: Seen[], dx: number, dy: number): void {
  const { x, y } = travel(seen);
  const along = x * dx + y * dy;
  assert.ok(shown(seen).length >= 3, `seen in ${shown(seen).length} frames only`);
  assert.ok(along > 0.17 * size, `${along} px along its way`);
  assert.ok(along > 2 * Math.abs(x * dy + y * dx), `more across than along: ${x}, ${y}`);
}

function grows(seen: Seen[]): void {
  assert.ok(first(seen).area > 4, 'too small to be seen at first');
  const ratio = last(seen).area / first(seen).area;
  assert.ok(ratio > 1.5 ** 2 * 0.75, `area grows by ${ratio}`);
  for (let i = 1; i < seen.length; i++) assert.ok(seen[i].area > seen[i - 1].area * 0.9 - 6, `shrinks at ${i}`);
}

function turns(seen: Seen[], scene: Scene, sign: 1 | -1): void {
  const [actor] = scene.actors;
  const { fill, rgb } = actor;
  const { symmetry } = shapes[actor.shape];
  const step = (a: Seen, b: Seen): number => (symmetry > 0 || fill.type !== 'marked' ? turned(a, b, 0.49 * symmetry) : markTurned(a, b, fill.color, rgb));
  const total = seen.slice(1).reduce((sum, s, i) => sum + step(seen[i], s), 0);
  assert.ok(sign * total > 15, `turns by ${total}° in all`);
}

function appears(seen: Seen[]): void {
  const full = last(seen).area;
  assert.ok(full > 40, 'hardly seen at the end');
  assert.equal(first(seen).area, 0);
  assert.ok(seen.filter((s) => s.area > 0.8 * full).length >= 2, 'too short in view');
  for (let i = 1; i < seen.length; i++) assert.ok(seen[i].area >= seen[i - 1].area - 0.05 * full - 4, `fades at ${i}`);
}

for (const action of actionIds)
  test(`pixels of "${action}" show it`, () => {
    for (const seed of seeds) {
      const scene = makeScene(`${seed}/${action}`, { action, aspect: 1 });
      assert.equal(actionOf(scene), action);
      try {
        checks[action](look(scene), scene);
      } catch (error) {
        throw new Error(`seed ${seed}/${action}: ${(error as Error).message}`, { cause: error });
      }
    }
  });

test('blinks counted in pixels', () => {
  for (const seed of [...seeds, ...seeds.map((s) => `${s}b`)]) {
    const scene = makeScene(seed, { count: 'blink' });
    const seen = look(scene);
    const most = Math.max(...seen.map((s) => s.area));
    const on = seen.map((s) => s.area > 0.5 * most);
    assert.ok(first(on) && last(on), seed);
    assert.equal(on.filter((flag, i) => !flag && on[i - 1]).length, scene.count!.times, seed);
  }
});

test('bounces counted in pixels', () => {
  for (const seed of [...seeds, ...seeds.map((s) => `${s}b`)]) {
    const scene = makeScene(seed, { count: 'bounce', aspect: 1 });
    const y = look(scene).map((s) => s.y);
    const [top, bottom] = [Math.min(...y), Math.max(...y)];
    if (scene.count!.times === 0) {
      assert.ok(bottom - top < 4, `${seed}: moves up or down by ${bottom - top}`);
      continue;
    }
    assert.ok(bottom - top > 0.14 * size, `${seed}: hops of ${bottom - top} px`);
    // down or up, with what lies between left out; a bounce is a stay above between two below, or below between two above
    const level = y.map((v) => (bottom - v) / (bottom - top)).filter((h) => h > 0.58 || h < 0.45).map((h) => h > 0.5);
    const changes = level.filter((up, i) => i > 0 && up !== level[i - 1]).length;
    assert.equal(level[0], last(level), seed);
    assert.equal(changes / 2, scene.count!.times, seed);
  }
});

test('the first of two shapes to move is the first to move in pixels', () => {
  for (const seed of seeds) {
    const scene = makeScene(seed, { kind: 'order', aspect: 1 });
    const whens = orderOf(scene).map((actor) => {
      const seen = look(scene, [actor]);
      const away = seen.map((s) => Math.hypot(s.x - seen[0].x, s.y - seen[0].y));
      assert.ok(Math.max(...away) > 0.18 * size, seed);
      const start = away.findIndex((d) => d > 3);
      const end = 15 - seen.toReversed().findIndex((s) => Math.hypot(s.x - last(seen).x, s.y - last(seen).y) > 3);
      return { start, end };
    });
    assert.ok(whens[0].start < whens[1].start && whens[0].end < whens[1].end, `${seed}: ${JSON.stringify(whens)}`);
  }
});
