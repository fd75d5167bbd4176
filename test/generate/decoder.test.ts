/** The cache against the definition: positions given in pieces and one by one make the same logits as all at once. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Decoder } from '../../src/generate/decoder.ts';
import { languageGraph, openQwen2VL, textPositions } from '../../src/models/qwen2vl/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { assertClose, random } from '../close.ts';

const model = await openQwen2VL(fileURLToPath(new URL('../goldens/models/staveq2', import.meta.url)));
const runtime = await Runtime.create({ threads: 1 });
after(() => Promise.all([runtime.dispose(), model.weights.close()]));
const program = await runtime.compile(languageGraph(model));
const { vocab_size, hidden_size, video_token_id } = model.config;

const tokens = (n: number) => Array.from(random(n), (x) => Math.floor((x + 1) * 490));
const none = new Float32Array();
const columns = (from: number, to: number) => textPositions(from, to - from, 0);

test('one token after the other, over a growing cache, equals one pass', async () => {
  const ids = tokens(300);
  const whole = await new Decoder(program, model.config).append({ ids, position_ids: textPositions(0, 300, 0) }, none, { rows: 300 });
  const decoder = new Decoder(program, model.config);
  await decoder.append({ ids: ids.slice(0, 100), position_ids: textPositions(0, 100, 0) }, none);
  for (let i = 100; i < 300; i++) {
    const logits = await decoder.append({ ids: [ids[i]], position_ids: textPositions(i, 1, 0) }, none);
    assertClose(logits, whole.subarray(i * vocab_size, (i + 1) * vocab_size), 1e-5);
  }
  assert.equal(decoder.length, 300);
});

test('a prompt longer than a piece, visual tokens on both sides of the border, equals the same in other pieces', async () => {
  const ids = tokens(700).fill(video_token_id, 500, 524);
  const embeds = random(24 * hidden_size);
  const positions = textPositions(0, 700, 0);
  const whole = await new Decoder(program, model.config).append({ ids, position_ids: positions }, embeds, { rows: 200 });
  const decoder = new Decoder(program, model.config);
  await decoder.append({ ids: ids.slice(0, 510), position_ids: columns(0, 510) }, embeds.subarray(0, 10 * hidden_size));
  const rest = await decoder.append({ ids: ids.slice(510), position_ids: columns(510, 700) }, embeds.subarray(10 * hidden_size), { rows: 190 });
  assertClose(rest, whole.subarray(10 * vocab_size), 1e-5);
  const last = await new Decoder(program, model.config).append({ ids, position_ids: positions }, embeds); // the first piece has no wanted row
  assertClose(last, whole.subarray(199 * vocab_size), 1e-5);
});

test('a placeholder that the model itself writes is a token like others', async () => {
  const decoder = new Decoder(program, model.config);
  await decoder.append({ ids: tokens(5), position_ids: textPositions(0, 5, 0) }, none);
  const logits = await decoder.append({ ids: [video_token_id], position_ids: textPositions(5, 1, 0) }, none);
  assert.ok(logits.every(Number.isFinite));
});
