import { mergeAdapter } from '../checkpoints/index.ts';
import { findModel } from '../hub/find.ts';
import { dtype, dtypeOption, outDir } from './checkpoint-options.ts';
import type { Command } from './command.ts';
import { Progress } from './progress.ts';

export const merge: Command = {
  name: 'merge',
  summary: 'Take a LoRA adapter up into the weights: a plain checkpoint that needs no adapter',
  args: [
    { name: 'BASE_DIR', help: 'the checkpoint that the adapter was trained on: its directory, or the name that it was pulled by; it is left as it is' },
    { name: 'ADAPTER_DIR', help: 'a directory with adapter_config.json and adapter_model.safetensors, by PEFT or by stave train' },
    outDir,
  ],
  options: {
    ...dtypeOption,
    json: { type: 'boolean', help: 'print where it went as one line of JSON' },
  },
  examples: ['stave merge runs/base runs/tuned/adapter runs/merged'],
  async run([base, adapter, out], values, { stdout, stderr, signal }) {
    using progress = new Progress(stderr, { every: 30 });
    await mergeAdapter(await findModel(base), adapter, out, { dtype: dtype(values), signal, onTensor: ({ done, total }) => progress.show(`${done}/${total} tensors`) });
    progress.clear();
    stdout.write(values.json ? `${JSON.stringify({ model: out })}\n` : `merged model saved in ${out}\n`);
  },
};
