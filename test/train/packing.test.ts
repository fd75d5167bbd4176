import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graph, initializer } from '../../src/graph/index.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { mropeTables, ropeIndex, spaceTables, timeTables, type Grid } from '../../src/models/qwen2vl/index.ts';
import { Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { encodeConversation, labelsOf, loadChatTemplate, loadTokenizer } from '../../src/text/index.ts';
import { packBatch, splitPrefix, type Batch, type Sample } from '../../src/train/batch.ts';
import { trainEngine } from '../../src/train/engine.ts';
import { startModel } from '../../src/train/model.ts';
import { forward, trainGraphs } from '../../src/train/step.ts';
import { tiny, tokenizer as directory } from './tiny.ts';

const tokenizer = await loadTokenizer(textReader(directory));
const template = await loadChatTemplate(textReader(directory));
await using setup = await tiny({ init_std: 0.3 });
const { config, trained: weights } = await startModel(setup.recipe, tokenizer);
const grid: Grid = [3, 4, 6];
const dialogues = [
  ['What is the action happening in this video?', 'Moving [something] from left to right'],
  ['Is it red?', 'No.'],
  ['How many times does the circle blink?', '3 times.'],
];

/** Two clips of noise; the first is asked `first`, the second `second`. */
function batchOf(first: string[][], second: string[][], average: 'answer' | 'clip' = 'answer'): Batch {
  return pack([first, second].filter((asked) => asked.length > 0).map((asked, i) => sample(asked, i + 1)), average);
}

function pack(samples: Sample[], average: 'answer' | 'clip' = 'answer', scale = 1): Batch {
  const space = spaceTables(grid[1], grid[2], 16, 2), time = timeTables(grid[0], 16);
  return packBatch(samples, {
    videoToken: config.video_token_id,
    average,
    scale,
    visionTables: { space_cos: space.cos, space_sin: space.sin, time_cos: time.cos, time_sin: time.sin },
    rope: (positions) => mropeTables(positions, { head_dim: 16, rope_theta: config.rope_theta, mrope_section: config.rope_scaling.mrope_section }),
  });
}

function sample(asked: string[][], seed: number): Sample {
  const encoded = asked.map(([question, answer]) => {
    const conversation = encodeConversation(tokenizer, template, [{ role: 'user', content: [{ type: 'video' }, { type: 'text', text: question }] }, { role: 'assistant', content: answer }], { videoTokens: [18] });
    return { ids: conversation.ids, labels: [...labelsOf(conversation)] };
  });
  const cut = splitPrefix(encoded[0].ids, config.vision_end_token_id);
  const prefix = encoded[0].ids.slice(0, cut);
  const { position_ids, rope_delta } = ropeIndex(prefix, { videos: [grid] }, { ...config, spatial_merge_size: 2 });
  const pixels = Uint8Array.from({ length: grid[0] * grid[1] * grid[2] * 1176 }, (_, i) => (i * 7919 * seed) % 251);
  return { seed: String(seed), prefix, positions: position_ids, next: cut + rope_delta, segments: encoded.map(({ ids, labels }, k) => ({ kind: String(k), ids: ids.slice(cut), labels: labels.slice(cut) })), pixels, grid: [...grid] };
}

async function logits(runtime: Runtime, batch: Batch): Promise<Float32Array[]> {
  const values = new Map([...weights].map(([name, { shape, data }]) => [name, initializer(name, 'float32', shape, { data })]));
  const program = await runtime.compile(graph({ logits: forward(Params.from((name) => values.get(name)), config, { image_mean: [0.5, 0.5, 0.5], image_std: [0.25, 0.25, 0.25] }).logits }));
  const out = (await program.run(Object.fromEntries(program.inputs.map(({ name }) => [name, batch.feeds[name]])))).logits;
  return batch.segments.map(({ labels: [from, to] }) => (out.data as Float32Array).subarray(from * out.dims[1], to * out.dims[1]));
}

test('a packed question has the logits of a conversation of its own', async () => {
  await using runtime = await Runtime.create({ threads: 1 });
  const packed = await logits(runtime, batchOf(dialogues, [dialogues[2]]));
  const alone = [
    ...(await Promise.all(dialogues.map(async (dialogue) => (await logits(runtime, batchOf([dialogue], [])))[0]))),
    (await logits(runtime, batchOf([dialogues[0]], [dialogues[2]])))[1],
  ];
  assert.equal(packed.length, 4);
  packed.forEach((segment, k) => {
    assert.equal(segment.length, alone[k].length);
    const largest = Math.max(...alone[k].map(Math.abs));
    const worst = segment.reduce((most, x, i) => Math.max(most, Math.abs(x - alone[k][i])), 0);
    assert.ok(largest > 0.1 && worst <= 1e-5 * largest, `segment ${k}: ${worst} of ${largest}`);
  });
  assert.ok(packed[2].some((x, i) => Math.abs(x - packed[3][i]) > 1e-3), 'the same question about another clip has other logits');
});

const sum = ([from, to]: [number, number], { feeds }: Batch) => (feeds.loss_weight.data as Float32Array).subarray(from, to).reduce((a, b) => a + b, 0);

test('labels are the answers with the end of the turn; weights average as asked', () => {
  const batch = batchOf(dialogues, [dialogues[1]]);
  const text = batch.segments.map(({ labels: [from, to] }) => tokenizer.decode([...(batch.feeds.labels.data as BigInt64Array).subarray(from, to)].map(Number)));
  assert.deepEqual(text, [...dialogues, dialogues[1]].map(([, answer]) => `${answer}<|im_end|>\n`));
  assert.deepEqual(batch.segments.map(({ labels }) => Number(sum(labels, batch).toFixed(5))), [1 / 6, 1 / 6, 1 / 6, 1 / 2].map((x) => Number(x.toFixed(5))));
  const byToken = batchOf(dialogues, [dialogues[1]], 'clip');
  assert.equal(new Set((byToken.feeds.loss_weight.data as Float32Array).subarray(0, byToken.segments[2].labels[1])).size, 1); // each token of a clip alike
  assert.ok(Math.abs(sum([0, byToken.sizes.L], byToken) - 1) < 1e-5);
});

test('accumulated micro-batches give the update of one batch', async () => {
  await using runtime = await Runtime.create({ threads: 1 });
  const { optimizer } = setup.recipe;
  const { tensors, trained } = await startModel(setup.recipe, tokenizer);
  const graphs = trainGraphs(tensors, config, optimizer, { image_mean: [0.5, 0.5, 0.5], image_std: [0.25, 0.25, 0.25] });
  const zeros = () => new Map([...trained].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const start = () => ({ step: 0, weights: structuredClone(trained), m: zeros(), v: zeros() }); // an engine takes it
  const clips = [sample(dialogues, 1), sample([dialogues[1]], 2)];
  const results = [];
  for (const batches of [[pack(clips)], clips.map((clip) => pack([clip], 'answer', 1 / 2))]) {
    const engine = await trainEngine(runtime, graphs, start(), optimizer, batches.length);
    await engine.update(batches, 1e-3);
    const second = await engine.update(batches, 1e-3);
    results.push({ ...second, state: await engine.state() });
  }
  const [whole, parts] = results;
  assert.ok(Math.abs(whole.loss - parts.loss) < 1e-5 * whole.loss, `${whole.loss} and ${parts.loss}`);
  assert.ok(Math.abs(whole.grad_norm - parts.grad_norm) < 1e-4 * whole.grad_norm, `${whole.grad_norm} and ${parts.grad_norm}`);
  assert.equal(parts.state.step, 2);
  for (const [name, m] of whole.state.m) {
    const largest = m.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
    m.forEach((x, i) => assert.ok(Math.abs(x - parts.state.m.get(name)![i]) <= 1e-3 * largest, `${name}[${i}]`));
  }
});
