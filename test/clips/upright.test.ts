import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeScene, random, renderFrames, upright, type Scene } from '../../src/clips/index.ts';
import { poseAt } from '../../src/clips/motion.ts';

const scenes = Array.from({ length: 40 }, (_, i) => makeScene(`upright/${i}`, { action: i % 2 ? 'clockwise' : 'anticlockwise' }));
const ease = (scene: Scene, share: number): Scene => upright(scene, share, random(scene.seed, 'test'));

/** Where the light of a frame's upper part lies, from its middle, in frame widths: of a white arrow on black that leans to one side, its head. */
function leaning(scene: Scene, frame: number): number {
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
  const pixels = renderFrames(bare, [frame], size, size);
  let [light, at] = [0, 0];
  for (let y = 0; y < 0.35 * size; y++) for (let x = 0; x < size; x++) [light, at] = [light + pixels[(y * size + x) * 3], at + pixels[(y * size + x) * 3] * (x / size - 0.5)];
  return at / light;
}

/** The frames in which an arrow leans from its upright by `degrees` one way and the other, in their order. */
function framesAt(scene: Scene, degrees: number): [number, number] {
  const [actor] = scene.actors;
  const lean = Array.from({ length: scene.frames }, (_, k) => poseAt(actor, k / (scene.frames - 1)).angle + Math.PI / 2);
  const nearest = (angle: number): number => lean.reduce((best, value, k) => (Math.abs(value - angle) < Math.abs(lean[best] - angle) ? k : best), 0);
  const at = [nearest((-degrees * Math.PI) / 180), nearest((degrees * Math.PI) / 180)].map((k) => (scene.reversed ? scene.frames - 1 - k : k));
  return at[0] < at[1] ? [at[0], at[1]] : [at[1], at[0]];
}

test('with ease 1 the head goes from left to right when it turns clockwise, as drawn', () => {
  for (const [i, scene] of scenes.entries()) {
    const eased = ease(scene, 1);
    const [before, after] = framesAt(eased, 25);
    assert.ok(before < after);
    const way = leaning(eased, after) - leaning(eased, before);
    assert.equal(way > 0.05, i % 2 === 1, `${scene.seed}: ${way}`);
    assert.equal(way < -0.05, i % 2 === 0, `${scene.seed}: ${way}`);
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
