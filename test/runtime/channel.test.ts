import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from '../../src/runtime/channel.ts';

/** A worker that answers nothing but what the text says. */
const worker = (onMessage: string): URL => new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; parentPort.on('message', (call) => { ${onMessage} });`)}`);

test('a worker that throws takes all waiting calls with it, and says why', async () => {
  const channel = new Channel(worker('if (call.kind === "drop") setTimeout(() => { throw new Error("memory ran out") }, 5)'));
  const calls = [channel.call('read', { key: 'a' }), channel.call('read', { key: 'b' }), channel.call('drop', { key: 'c' })];
  for (const result of await Promise.allSettled(calls)) {
    assert.match(String(result.status === 'rejected' && result.reason), /StaveError: the runtime's worker thread died\nmemory ran out\n→ create a new Runtime/);
  }
  await assert.rejects(channel.call('read', { key: 'd' }), { code: 'RUNTIME', message: /worker thread died\nmemory ran out/ });
  await channel.close();
});

test('a worker that exits', async () => {
  const channel = new Channel(worker('process.exit(7)'));
  await assert.rejects(channel.call('read', { key: 'a' }), { code: 'RUNTIME', message: /worker thread died\nit ended with exit code 7/ });
});

test('a worker that cannot start', async () => {
  const channel = new Channel(new URL('data:text/javascript,import "node:nothing"'));
  await assert.rejects(channel.call('read', { key: 'a' }), { code: 'RUNTIME', message: /worker thread died\n.*node:nothing/ });
});

test('a worker that runs out of its memory', async () => {
  const channel = new Channel(worker('globalThis.list = []; for (;;) list.push(new Array(1e6).fill(call));'), { maxOldGenerationSizeMb: 16 });
  await assert.rejects(channel.call('read', { key: 'a' }), { code: 'RUNTIME', message: /worker thread died\n.*memory/i });
});

test('what cannot travel is the caller\'s error; the channel lives on', async () => {
  const channel = new Channel(worker('parentPort.postMessage({ id: call.id, ok: true, answer: null })'));
  await assert.rejects(channel.call('drop', { key: (() => {}) as never }), { name: 'DataCloneError' });
  assert.equal(await channel.call('drop', { key: 'a' }), null);
});
