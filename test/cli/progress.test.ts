import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strip } from '../../src/cli/picture.ts';
import { Progress, waiting } from '../../src/cli/progress.ts';
import { bytes, duration } from '../../src/cli/units.ts';

function stream(like: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  return { ...like, written, write: (text: string) => written.push(text) };
}

test('on a terminal one line rewrites itself and leaves no trace', () => {
  const to = stream({ isTTY: true, columns: 10 });
  {
    using progress = new Progress(to);
    progress.show('1/3 clips, half a minute left');
  }
  assert.deepEqual(to.written, ['\r\x1b[2K1/3 clip…', '\r\x1b[2K']);
  for (const columns of [0, 1, 2]) new Progress(stream({ isTTY: true, columns })).show('a'); // what odd terminals say
});

test('elsewhere it is quiet until `every` seconds have passed', () => {
  const to = stream({});
  new Progress(to).show('a');
  new Progress(to, { every: 3600 }).show('b');
  new Progress(to, { every: 0 }).show('c');
  assert.deepEqual(to.written, ['c\n']);
});

test('what is waited for is told after a second, and no longer', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const terminal = stream({ isTTY: true }), log = stream({});
  {
    using _ = waiting(terminal, 'trying out webgpu');
    using __ = waiting(log, 'trying out webgpu', { every: 0 });
    t.mock.timers.tick(999);
    assert.deepEqual([...terminal.written, ...log.written], []);
    t.mock.timers.tick(1);
  }
  t.mock.timers.tick(5000);
  const [line, cleared, ...more] = terminal.written;
  assert.match(line, /trying out webgpu, \d+ s$/);
  assert.deepEqual([cleared, more], ['\r\x1b[2K', []]);
  assert.match(log.written.join('|'), /^trying out webgpu, \d+ s\n$/);
});

test('times and sizes as a person says them', () => {
  assert.deepEqual([0.4, 59.4, 59.6, 61, 3599, 7500, Infinity, NaN].map(duration), ['0 s', '59 s', '1 min 0 s', '1 min 1 s', '59 min 59 s', '2 h 5 min', '?', '?']);
  assert.deepEqual([12, 2048, 5.5e6, 3e9].map(bytes), ['12 B', '2 kB', '6 MB', '3.00 GB']);
});

const half = (top: number[], bottom: number[]) => ({ width: 4, height: 2, data: Uint8Array.from([...[0, 1, 2, 3].flatMap(() => top), ...[0, 1, 2, 3].flatMap(() => bottom)]) });

test('a picture as half blocks: the upper pixel in front, the lower one behind', () => {
  const block = '\x1b[38;2;255;0;0;48;2;0;0;255m▀';
  assert.equal(strip([half([255, 0, 0], [0, 0, 255])], { width: 4, color: true }), `${block.repeat(4)}\x1b[0m`);
});

test('without colour, shades; frames side by side within the width', () => {
  const [white, black] = [half([255, 255, 255], [255, 255, 255]), half([0, 0, 0], [0, 0, 0])];
  assert.equal(strip([white, black], { width: 9, color: false }), '@@@@     ');
  for (const width of [20, 41, 80]) for (const line of strip([white, black, white], { width, color: false }).split('\n')) assert.ok(line.length <= width);
});
