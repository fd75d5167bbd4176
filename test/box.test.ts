import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionIds, actionOf, evenFrames, makeScene, renderFrames, reverse, type Action, type Scene } from '../src/clips/index.ts';
import { boxModel, load, type FrameInput } from '../src/generate/index.ts';
import { actionIn, actionQuestion } from '../src/tasks/index.ts';
import { picturesOf } from '../src/video/pictures.ts';

const clips = 80;

function frames(scene: Scene): FrameInput[] {
  const { width, height } = scene;
  return picturesOf(renderFrames(scene, evenFrames(scene.frames, 16), width, height), width, height);
}

test('the model in the box tells actions by their order in time', async () => {
  await using model = await load(boxModel);
  const named = async (shown: FrameInput[]): Promise<Action | undefined> => actionIn((await model.ask(shown, actionQuestion, { max_new_tokens: 32 }).result()).text);
  let right = 0, turned = 0, frozen = 0;
  for (let i = 0; i < clips; i++) {
    const scene = makeScene(`test/box/${i}`, { action: actionIds[i % 10] });
    const shown = frames(scene);
    if ((await named(shown)) === actionOf(scene)) right++;
    if ((await named(shown.toReversed())) === actionOf(reverse(scene))) turned++;
    if ((await named(shown.map(() => shown[8]))) === actionOf(scene)) frozen++;
  }
  const counts = `${right} right, ${turned} turned round when the frames are, ${frozen} right with one frame repeated, of ${clips}`;
  assert.ok(right > clips * 0.9 && turned > clips * 0.9, counts);
  assert.ok(frozen < clips * 0.25, counts);
});
