/** What a question does before its turn, and what it waits for. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { load, type AskOptions } from '../../src/generate/index.ts';
import { Decoder } from '../../src/generate/decoder.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`;
const model = await load(`${goldens}models/staveq2`, { threads: 1 });
after(() => model.dispose());

/** Sections that went through the language model. */
let sections = 0;
const { append } = Decoder.prototype;
Decoder.prototype.append = function counting(...args) {
  sections++;
  return append.apply(this, args);
};

const options: AskOptions = { max_new_tokens: 4, read: { isolate: false } };

test('its video is decoded and encoded at once, its prompt read when its turn has come', async () => {
  const turn = Promise.withResolvers<void>();
  const answer = model.ask(clip, 'What?', { ...options, after: turn.promise }).result();
  const decision = model.decide(clip, 'Which?', ['yes', 'no'], { ...options, after: turn.promise });
  for (let tries = 0; model.loaded.reuse.bytes === 0; tries++) {
    assert.ok(tries < 2000, 'it is not encoded');
    await setTimeout(5);
  }
  await setTimeout(50);
  assert.equal(sections, 0);
  turn.resolve();
  const { text, token_ids } = await answer;
  const { choice, choices } = await decision;
  assert.ok(sections > 0);
  const [again, decided] = [await model.ask(clip, 'What?', options).result(), await model.decide(clip, 'Which?', ['yes', 'no'], options)];
  assert.deepEqual([text, token_ids, choice, choices], [again.text, again.token_ids, decided.choice, decided.choices]);
});

test('an abort ends the waiting; what fails before it fails the answer; the next is answered', async () => {
  const stop = new AbortController();
  const waiting = model.ask(clip, 'What?', { ...options, after: new Promise(() => {}), signal: stop.signal }).result();
  setImmediate(() => stop.abort());
  await assert.rejects(waiting, { name: 'AbortError' });
  await assert.rejects(model.ask(clip, 'What?', { ...options, after: Promise.reject(new Error('not kept')) }).result(), { message: 'not kept' });
  await model.ask(clip, 'What?', options).result();
});
