/** A long prompt goes through the language model in pieces of bounded memory, and an abort ends it between two of them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Decoder } from '../../src/generate/decoder.ts';
import { pieceLength } from '../../src/generate/pieces.ts';
import { languageGraph, openQwen2VL, textPositions } from '../../src/models/qwen2vl/index.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';

const model = await openQwen2VL(fileURLToPath(new URL('../goldens/models/staveq2', import.meta.url)));
const runtime = await Runtime.create({ threads: 1 });
after(() => Promise.all([runtime.dispose(), model.weights.close()]));
const program = await runtime.compile(languageGraph(model));
const prompt = (length: number) => ({ ids: Array<number>(length).fill(7), position_ids: textPositions(0, length, 0) });

/** The program, telling how many positions each run takes. */
function watched(lengths: number[], before: () => void = () => {}): Program {
  const run: Program['run'] = (feeds, options) => {
    const { input_ids } = feeds;
    if ('dims' in input_ids) lengths.push(input_ids.dims[1]);
    before();
    return program.run(feeds, options);
  };
  return { inputs: program.inputs, outputs: program.outputs, run } as Program;
}

test('scores stay within 256 MB until pieces are at their shortest', () => {
  for (const heads of [12, 28, 64])
    for (let start = 0, length = 512; start < 100_000; start += length) {
      const before = length;
      length = pieceLength(heads, start);
      assert.ok(length <= before && length % 64 === 0 && length >= 64);
      assert.ok(length === 64 || 3 * 4 * heads * length * (start + length) <= 256e6, `${heads} heads, ${length} behind ${start}`);
    }
  assert.equal(pieceLength(12, 0), 512);
});

test('a prompt is read in pieces, and an abort ends it between two', async () => {
  const lengths: number[] = [];
  await new Decoder(watched(lengths), model.config).append(prompt(1100), new Float32Array());
  assert.deepEqual(lengths, [512, 512, 76]);

  const stop = new AbortController();
  const begun: number[] = [];
  const decoder = new Decoder(watched(begun, () => begun.length === 2 && stop.abort(new Error('enough'))), model.config);
  await assert.rejects(decoder.append(prompt(1100), new Float32Array(), { signal: stop.signal }), /enough/);
  assert.deepEqual([begun, decoder.length], [[512, 512], 512]);
});
