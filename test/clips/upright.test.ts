import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeScene, random, renderFrames, reverse, upright, type Scene } from '../../src/clips/index.ts';

const scenes = Array.from({ length: 40 }, (_, i) => makeScene(`upright/${i}`, { action: i % 2 ? 'clockwise' : 'anticlockwise' }));
const ease = (scene: Scene, share: number): Scene => upright(scene, share, random(scene.seed, 'test'));

/** How far the highest lit pixel wanders to the right while it is near the top, in frame widths: of an arrow that points up, its tip. */
function tipWay(scene: Scene): number {
  const size = 96;
  const [actor] = scene.actors;
  const bare: Scene = {
    ...scene,
    width: size,
    height: size,
    actors: [{ ...actor, x: 0.5, y: 0.5, radius: 0.35, rgb: [255, 255, 255], fill: { type: 'solid' }, shadow: 0 }],
    cast: 1,
    background: { ...scene.background, type: 'plain', colors: [[0, 0, 0], [0, 0, 0]] },
    camera: { ...scene.camera, noise: 0, shake: 0, flicker: 0, vignette: 0 },
  };
  const tips = Array.from({ length: scene.frames }, (_, k) => renderFrames(bare, [k], size, size)).flatMap((pixels) => {
    const first = pixels.findIndex((value) => value > 127) / 3;
    return first < 0.25 * size * size ? [(first % size) / size] : [];
  });
  return tips.at(-1)! - tips[0];
}

test('with ease 1 the head goes from left to right when it turns clockwise, as drawn', () => {
  for (const [i, scene] of scenes.entries()) {
    const eased = ease(scene, 1);
    const way = tipWay(eased);
    assert.equal(way > 0, i % 2 === 1, `${scene.seed}: ${way}`);
    assert.notEqual(way, 0);
    assert.equal(tipWay(reverse(eased)), -way);
  }
});

test('with ease 0 it may point anywhere half-way', () => {
  const angles = scenes.map((scene) => {
    const [{ angle, motions: [turn] }] = ease(scene, 0).actors;
    assert.ok(turn.type === 'turn' && Math.abs(turn.by) >= Math.PI / 3 && Math.abs(turn.by) <= Math.PI);
    return angle + turn.by / 2 + Math.PI / 2;
  });
  const quarters = new Set(angles.map((angle) => Math.floor(((angle / Math.PI + 2) % 2) * 2)));
  assert.equal(quarters.size, 4);
});

test('what does not turn is left as it is', () => {
  const scene = makeScene('upright/rising', { action: 'rising' });
  assert.deepEqual(ease(scene, 1).actors, scene.actors);
});
