import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tinyJson } from '../train/tiny.ts';
import { clip, stave } from './run.ts';

const parsed = (out: string) => out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

test('train, stop, refuse to begin again, resume; the model that comes out answers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-train-'));
  try {
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ ...tinyJson, out: 'elsewhere' }));
    const out = join(folder, 'run'); // goes before the recipe's
    const stop = new AbortController();
    const stopped = await stave(['train', recipe, '--out', out, '--json'], { signal: stop.signal, onOut: (text) => text.split('\n').length > 3 && stop.abort() });
    assert.equal(stopped.code, 130);
    assert.match(stopped.err, /\ninterrupted\n$/);
    assert.match(await readFile(join(out, 'log.txt'), 'utf8'), /stopped after step 3; its checkpoint is saved\n$/);
    const end = parsed(stopped.out).at(-1)!;
    assert.deepEqual([end.step, end.finished, end.model], [3, false, undefined]);

    const again = await stave(['train', recipe, '--out', out]);
    assert.equal(again.code, 1);
    assert.match(again.err, /^error: .*run holds a run that has come to step 3\nto start anew would mix the two\n→ continue it with --resume; or move the folder away, or give another --out\n$/);

    const resumed = await stave(['train', recipe, '--out', out, '--resume', '--json']);
    assert.equal(resumed.code, 0);
    const lines = parsed(resumed.out);
    assert.deepEqual(lines.slice(0, -1).map(({ step }) => step), [4, 5, 6]);
    assert.ok(['loss', 'lr', 'grad_norm', 'clips_per_second', 'eta'].every((key) => Number.isFinite(lines[0][key])));
    assert.deepEqual([lines.at(-1)!.finished, lines.at(-1)!.model], [true, join(out, 'model')]);
    assert.deepEqual((await readdir(out, { recursive: true })).filter((name) => /partial|\.old/.test(name)), []);

    const whole = await stave(['train', recipe, '--out', out, '--resume']); // nothing left to do but to save the model
    assert.deepEqual([whole.code, whole.out], [0, `model saved in ${join(out, 'model')}\n`]);
    assert.equal(whole.err.split(join(out, 'model')).length, 1, 'said once');

    const answer = await stave(['ask', clip, 'What is the action happening in this video?', '--model', join(out, 'model'), '--max-tokens', '4', '--json']);
    assert.equal(answer.code, 0);
    assert.deepEqual((JSON.parse(answer.out) as { sampling: { frames: unknown } }).sampling.frames, { value: { rule: 'count', frames: 4, repeat: true }, from: 'config.json' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a field that is wrong is named with its file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stave-train-'));
  const recipe = join(folder, 'recipe.json');
  await writeFile(recipe, JSON.stringify({ ...tinyJson, data: { ...tinyJson.data, frames: 3 } }));
  const { code, err } = await stave(['train', recipe]);
  await rm(folder, { recursive: true });
  assert.equal(code, 1);
  assert.match(err, /^error: .*recipe\.json:1: data\.frames is 3\n.*\n→ give an even number/);
});
