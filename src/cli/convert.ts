import { StaveError } from '../errors.ts';
import { convertCheckpoint } from '../checkpoints/index.ts';
import { findModel, modelName } from '../hub/index.ts';
import { parseWeights, typesText, weightTypes, type WeightTypes } from '../models/weight-types.ts';
import { outDir } from './checkpoint-options.ts';
import { string, type Command, type Values } from './command.ts';
import { conversionLine } from './load-model.ts';
import { Progress } from './progress.ts';
import { bytes } from './units.ts';

export const convert: Command = {
  name: 'convert',
  summary: 'Make a checkpoint smaller: weights in 8 or 4 bits, or as 16-bit numbers',
  args: [
    { name: 'DIR', help: 'a Qwen2-VL, Qwen2.5-VL or STAVE checkpoint: its directory, or the name that it was pulled by; it is left as it is' },
    outDir,
  ],
  options: {
    weights: { type: 'string', value: 'TYPE', help: `${weightTypes.join(', ')}, or types of parts like vision:int8,language:int4 (also embeddings, head)` },
    json: { type: 'boolean', help: 'print what was made as one line of JSON' },
  },
  examples: ['stave convert Qwen/Qwen2-VL-2B-Instruct models/2b-int4 --weights int4', 'stave convert DIR OUT --weights vision:int8,language:int4,head:int4'],
  async run([base, out], values, { stdout, stderr, signal }) {
    using progress = new Progress(stderr, { every: 30 });
    const types = typesOf(values);
    const dir = await findModel(base);
    const started = performance.now();
    const { bytes: size } = await convertCheckpoint(dir, out, { types, name: modelName(dir), signal, onProgress: (p) => progress.show(conversionLine(p, started)) });
    progress.clear();
    stdout.write(values.json ? `${JSON.stringify({ model: out, weights: types, bytes: size })}\n` : `${bytes(size)} of weights (${typesText(types)}) in ${out}\n`);
  },
};

/** @throws USAGE */
function typesOf(values: Values): WeightTypes {
  const text = string(values, 'weights');
  const types = text === undefined ? undefined : parseWeights(text);
  if (types === undefined || types === 'auto') throw new StaveError('USAGE', { what: text === undefined ? '--weights is missing: what to convert to' : '--weights auto decides by the machine that asks', fix: 'for example --weights int8' });
  return types;
}
