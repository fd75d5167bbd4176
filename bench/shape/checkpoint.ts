/** A checkpoint directory of a given shape with random weights: its speed is the real one's, its answers are noise. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDirectory, writeWhole } from '../../src/files/write.ts';
import { parameterShapes, parseConfig } from '../../src/models/qwen2vl/index.ts';
import { byteCharacters } from '../../src/text/stream-decoder.ts';
import { preprocessorJson } from '../../src/train/export.ts';
import { f32ToBf16, saveCheckpoint, type SaveTensor } from '../../src/weights/index.ts';
import { random } from '../../src/clips/index.ts';
import { configJson, type ShapeName } from './shapes.ts';

/** How the published checkpoints hold their weights. */
const BYTES = 2; // BF16

/** Random numbers that all weights are made of: a tensor is a stretch of them, from another place each. */
const POOL = 1 << 20;

/** Bytes that the directory takes, but for a few kB. */
export function checkpointBytes(name: ShapeName, sta: boolean): number {
  return [...parameterShapes(parseConfig(configJson(name, sta))).values()].reduce((sum, shape) => sum + BYTES * count(shape), 0);
}

/** Writes it tensor by tensor, or leaves one that is there: the directory is moved into its place when it is whole. @throws IO */
export async function writeShape(dir: string, name: ShapeName, sta: boolean): Promise<void> {
  if (await stat(dir).catch(() => undefined)) return;
  const json = configJson(name, sta);
  const shapes = parameterShapes(parseConfig(json));
  const { normal } = random(1, name);
  const pool = f32ToBf16(Float32Array.from({ length: POOL }, () => normal() * 0.02));
  const tensors = [...shapes].map(([name, shape], i): SaveTensor => ({ name, dtype: 'BF16', shape, data: () => weight(name, count(shape), pool, i) }));
  await writeDirectory(dir, async (temporary) => {
    await saveCheckpoint(temporary, tensors);
    const write = (file: string, content: unknown) => writeWhole(join(temporary, file), `${JSON.stringify(content, null, 1)}\n`);
    await write('config.json', { ...json, torch_dtype: 'bfloat16' });
    await write('preprocessor_config.json', preprocessorJson({ min_pixels: 3136, max_pixels: 1003520 }));
    await write('generation_config.json', { do_sample: false, eos_token_id: [] });
    await write('tokenizer.json', tokenizerJson(json));
    await write('chat_template.json', { chat_template: template });
  });
}

/** Norms one, biases zero, all else from the pool. */
function weight(name: string, length: number, pool: Uint16Array, number: number): Uint16Array {
  const data = new Uint16Array(length);
  if (/(norm\d?|ln_q)\.weight$/.test(name)) return data.fill(0x3f80); // 1 in BF16
  if (name.endsWith('.bias')) return data;
  const start = (number * 7919) % pool.length;
  for (let at = 0; at < length; ) {
    const from = (start + at) % pool.length;
    const piece = pool.subarray(from, Math.min(pool.length, from + length - at));
    data.set(piece, at);
    at += piece.length;
  }
  return data;
}

/** A byte a token, and the placeholders where config.json has them. */
function tokenizerJson(config: Record<string, unknown>): object {
  const specials = { vision_start: 'vision_start', vision_end: 'vision_end', image: 'image_pad', video: 'video_pad' };
  return {
    added_tokens: Object.entries(specials).map(([field, name]) => ({ id: config[`${field}_token_id`], content: `<|${name}|>`, special: true })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(byteCharacters().map((character, id) => [character, id])), merges: [] },
  };
}

/** Nothing but what is said: the prompt's length is the bench's business. */
const template = "{% for message in messages %}{% for part in message.content %}{% if part.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}";

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
