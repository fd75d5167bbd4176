import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxClips, boxModel } from '../../src/index.ts';
import { stave } from './run.ts';

const missing = existsSync(boxModel) && existsSync(join(boxClips, 'labels.jsonl')) ? false : 'there is no model in the box yet';

test('the demo: every question with answer, truth and verdict, and most are right', { skip: missing }, async () => {
  const { code, out } = await stave(['demo'], { terminal: 60 });
  assert.equal(code, 0);
  const [, right, total] = /\n(\d+) of (\d+) right in/.exec(out)!.map(Number);
  assert.equal(out.match(/^ {2}question /gm)!.length, total);
  assert.equal(out.match(/^ {2}truth .* ✓$/gm)!.length, right);
  assert.ok(right / total > 0.8, `${right} of ${total}`);

  const lines = (await stave(['demo', '--json'])).out.trim().split('\n').map((line) => JSON.parse(line) as { right: boolean });
  assert.deepEqual([lines.length, lines.filter((line) => line.right).length], [total, right]);
});
