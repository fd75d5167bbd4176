import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionIds, actionOf, evenFrames, makeScene, mirror, mirrored, opposite, orderOf, random, renderFrames, renderer, reverse, trainingFrames, type Scene } from '../../src/clips/index.ts';
import { contrast, lab } from '../../src/clips/colors.ts';
import { linspace32, roundHalfEven } from '../../src/video/rounding.ts';

const seeds = Array.from({ length: 40 }, (_, i) => `scene/${i}`);
const view = { count: 16, width: 112, height: 84 };
const draw = (...keys: (string | number)[]): number[] => { const r = random(...keys); return Array.from({ length: 4000 }, r.next); };
const closeTo = (rgb: [number, number, number], expected: number[]): void => lab(rgb).forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 0.3, `${rgb}: ${lab(rgb)}`));
const mean = (frame: Uint8Array): number => frame.reduce((a, b) => a + b, 0) / frame.length;

test('random numbers depend on the keys alone and are uniform', () => {
  assert.deepEqual(draw(1, 'a'), draw(1, 'a'));
  assert.deepEqual(draw(1, 'a').slice(0, 3).map((x) => x.toFixed(6)), ['0.623810', '0.676973', '0.577384']); // recorded: the same on every machine
  assert.notDeepEqual(draw(1, 'a'), draw(1, 'b'));
  assert.notDeepEqual(draw(1, 2), draw(12));
  const counts = Array.from({ length: 10 }, () => 0);
  for (const x of draw('uniform')) counts[Math.floor(10 * x)]++;
  const chi = counts.reduce((sum, n) => sum + (n - 400) ** 2 / 400, 0);
  assert.ok(chi < 27.9, `chi-squared ${chi} with 9 degrees of freedom`); // p = 0.001
  const normal = Array.from({ length: 4000 }, random('n').normal);
  assert.ok(Math.abs(normal.reduce((a, b) => a + b) / 4000) < 0.06);
  assert.ok(Math.abs(normal.reduce((a, b) => a + b * b, 0) / 4000 - 1) < 0.1);
});

test('a scene is plain data: the same seed gives the same scene and pixels, through JSON too', () => {
  for (const seed of seeds.slice(0, 12)) {
    const scene = makeScene(seed);
    assert.deepEqual(makeScene(seed), scene);
    const copy = JSON.parse(JSON.stringify(scene)) as Scene;
    assert.deepEqual(trainingFrames(copy, view), trainingFrames(scene, view));
  }
  assert.notDeepEqual(makeScene('a').actors, makeScene('b').actors);
});

test('reverse plays the same frames backwards and names the opposite', () => {
  for (const seed of seeds) {
    const scene = makeScene(seed);
    const indices = evenFrames(scene.frames, 5);
    const forth = renderFrames(scene, indices, 56, 56);
    const back = renderFrames(reverse(scene), indices.map((i) => scene.frames - 1 - i), 56, 56);
    assert.deepEqual(back, forth);
    if (scene.kind === 'action') assert.equal(actionOf(reverse(scene)), opposite[actionOf(scene)!]);
    if (scene.kind === 'order') assert.deepEqual(orderOf(reverse(scene)), orderOf(scene).toReversed());
    assert.deepEqual(reverse(reverse(scene)), scene);
  }
});

test('mirror exchanges left and right in every row and in the name', () => {
  for (const seed of seeds) {
    const scene = makeScene(seed);
    const [width, height] = [60, 40];
    const plain = renderFrames(scene, [3], width, height);
    const flipped = renderFrames(mirror(scene), [3], width, height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++) assert.equal(flipped[(y * width + x) * 3 + c], plain[(y * width + width - 1 - x) * 3 + c]);
    if (scene.kind === 'action') assert.equal(actionOf(mirror(scene)), mirrored[actionOf(scene)!]);
  }
});

test('sizes, rates and lengths are those promised', () => {
  for (let i = 0; i < 600; i++) {
    const { width, height, fps, frames } = makeScene(`sizes/${i}`);
    for (const side of [width, height]) assert.ok(side >= 96 && side <= 640 && side % 2 === 0, `${width}×${height}`);
    assert.ok(fps >= 8 && fps <= 30);
    assert.ok(frames / fps >= 0.99 && frames / fps <= 6.01, `${frames} frames at ${fps}`);
  }
});

test('every actor stands out from the background and no two share their looks', () => {
  for (let i = 0; i < 300; i++) {
    const { background, actors } = makeScene(`contrast/${i}`);
    for (const actor of actors) for (const color of background.colors) assert.ok(contrast(actor.rgb, color) > 30, `contrast/${i}`);
    for (let a = 0; a < actors.length; a++) for (let b = 0; b < a; b++) assert.notEqual(actors[a].color, actors[b].color);
  }
});

test('L*a*b* of known colours (CSS Color 4 sample values for D65)', () => {
  closeTo([255, 255, 255], [100, 0, 0]);
  closeTo([255, 0, 0], [53.24, 80.09, 67.2]);
  closeTo([0, 0, 255], [32.3, 79.19, -107.86]);
});

test('the same view at every size', () => {
  for (const seed of seeds.slice(0, 10)) {
    const scene = { ...makeScene(seed), camera: { ...makeScene(seed).camera, noise: 0, shake: 0 } };
    const [small, large] = [[70, 50], [280, 200]].map(([w, h]) => mean(renderFrames(scene, [4], w, h)));
    assert.ok(Math.abs(small - large) < 2, `${seed}: ${small} and ${large}`);
  }
});

test('even frames follow linspace with halves to even', () => {
  for (let frames = 8; frames < 190; frames++) assert.deepEqual(evenFrames(frames, 16), Array.from(linspace32(frames - 1, 16), roundHalfEven));
  assert.deepEqual(evenFrames(8, 16), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
});

test('every action is drawn equally often, whatever the reversal and mirror', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 3000; i++) {
    const action = actionOf(makeScene(`balance/${i}`, { kind: 'action' }))!;
    counts.set(action, (counts.get(action) ?? 0) + 1);
  }
  for (const action of actionIds) assert.ok(Math.abs(counts.get(action)! - 300) < 66, `${action}: ${counts.get(action)}`); // 4 standard deviations
});

test('a renderer writes its own frame only', () => {
  const scene = makeScene('bounds');
  const draw = renderer(scene, 30, 20);
  const buffer = new Uint8Array(30 * 20 * 3 + 200).fill(7);
  draw.frame(0, buffer.subarray(100, 100 + 30 * 20 * 3));
  assert.ok(buffer.subarray(0, 100).every((v) => v === 7) && buffer.subarray(-100).every((v) => v === 7));
});
