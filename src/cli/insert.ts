import { StaveError } from '../errors.ts';
import { insertTemporalAttention, type InsertOptions } from '../checkpoints/index.ts';
import { findModel } from '../hub/find.ts';
import { dtype, dtypeOption, outDir } from './checkpoint-options.ts';
import { choice, number, string, type Command, type Values } from './command.ts';
import { Progress } from './progress.ts';

export const insert: Command = {
  name: 'insert',
  summary: 'Put untrained temporal attention into a checkpoint that has none; fine-tuning begins with it',
  args: [
    { name: 'BASE_DIR', help: 'a Qwen2-VL or Qwen2.5-VL checkpoint: its directory, or the name that it was pulled by; it is left as it is' },
    outDir,
  ],
  options: {
    'head-scale': { type: 'string', value: 'X', default: '0.25', help: 'temporal heads as a part of the spatial ones' },
    order: { type: 'string', value: 'ORDER', default: 'spatial-first', help: 'spatial-first or temporal-first' },
    init: { type: 'string', value: 'INIT', default: 'normal', help: 'normal: N(0, 0.02) as the authors do; zero: its output is zero at first, so the model answers exactly as before' },
    seed: { type: 'string', value: 'N', default: '1', help: 'the same seed draws the same weights' },
    blocks: { type: 'string', value: 'WHICH', default: 'all', help: 'vision blocks that get it: all, last:8 or a list like 0,2,5' },
    ...dtypeOption,
    rows: { type: 'string', value: 'ROWS', help: 'patch-major or frame-major, see docs/model.md (default: patch-major for Qwen2-VL, as the authors\' code has it)' },
    json: { type: 'boolean', help: 'print what was put in as one line of JSON' },
  },
  examples: ['stave insert Qwen2-VL-2B-Instruct runs/base', 'stave insert Qwen2-VL-2B-Instruct runs/base --init zero --blocks last:8'],
  async run([base, out], values, { stdout, stderr, signal }) {
    using progress = new Progress(stderr, { every: 30 });
    const result = await insertTemporalAttention(await findModel(base), out, {
      head_scale: number(values, 'head-scale'),
      order: choice(values, 'order', ['spatial-first', 'temporal-first']),
      rows: choice(values, 'rows', ['patch-major', 'frame-major']),
      init: choice(values, 'init', ['normal', 'zero']),
      seed: number(values, 'seed', { min: 0, max: 0xffffffff, integer: true }),
      blocks: whichBlocks(values),
      dtype: dtype(values),
      signal,
      onTensor: ({ done, total }) => progress.show(`${done}/${total} tensors`),
    });
    progress.clear();
    if (values.json) stdout.write(`${JSON.stringify(result)}\n`);
    else stdout.write(`temporal attention in ${result.blocks.length} blocks, ${result.heads} heads each, ${(result.parameters / 1e6).toFixed(2)} M new weights: ${out}\n`);
  },
};

/** @throws USAGE */
function whichBlocks(values: Values): InsertOptions['blocks'] {
  const text = string(values, 'blocks') ?? 'all';
  if (text === 'all') return 'all';
  const last = /^last:(\d+)$/.exec(text);
  if (last) return { last: Number(last[1]) };
  if (!/^\d+(,\d+)*$/.test(text)) throw new StaveError('USAGE', { what: `--blocks must be all, last:N or numbers with commas between, got "${text}"`, fix: 'for example --blocks last:8' });
  return text.split(',').map(Number);
}
