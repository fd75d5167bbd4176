import { pull as pullModel, type PullProgress } from '../hub/index.ts';
import { string, type Command } from './command.ts';
import { Progress } from './progress.ts';
import { bytes, duration } from './units.ts';

export const pull: Command = {
  name: 'pull',
  summary: 'Download a model from the Hugging Face Hub into its cache',
  args: [{ name: 'OWNER/NAME', help: 'the model, as the Hub calls it' }],
  options: {
    revision: { type: 'string', value: 'REVISION', default: 'main', help: 'a branch, a tag or a commit' },
    json: { type: 'boolean', help: 'print what was fetched as one line of JSON' },
  },
  examples: ['stave pull Qwen/Qwen2-VL-2B-Instruct', 'stave pull Qwen/Qwen2-VL-2B-Instruct --revision 895c3a49bc3fa70a340399125c650a463535e71c'],
  async run([id], values, { stdout, stderr, signal }) {
    using progress = new Progress(stderr, { every: 30 });
    const speed = new Speed();
    const pulled = await pullModel(id, { revision: string(values, 'revision'), signal, onProgress: (p) => progress.show(line(p, speed)) }).catch((error: unknown) => {
      progress.clear();
      if (signal.aborted) stderr.write('what came is kept; the same command goes on\n');
      throw error;
    });
    progress.clear();
    if (values.json) {
      stdout.write(`${JSON.stringify(pulled)}\n`);
      return;
    }
    stdout.write(`${pulled.dir}\n`);
    const { files, bytes: size, fetched, revision } = pulled;
    const now = fetched === 0 ? ', all of them there already' : bytes(fetched) === bytes(size) ? '' : `, ${bytes(fetched)} of them downloaded now`;
    stderr.write(`${files.length} files, ${bytes(size)}${now}. Ask it:\n  npx stave ask clip.mp4 "What happens in this video?" --model ${id}${revision === 'main' ? '' : `@${revision}`}\n`);
  },
};

function line({ file, done, total, fetched, waiting }: PullProgress, speed: Speed): string {
  if (waiting) return `${waiting.why}; trying again in ${duration(waiting.seconds)}`;
  const rate = speed.at(fetched);
  return `${bytes(done)} of ${bytes(total)}${rate >= 1 ? `, ${bytes(Math.round(rate))}/s, ETA ${duration((total - done) / rate)}` : ''}  ${file}`;
}

/** Bytes a second over the last seconds: a line that got faster or slower should say so. */
export class Speed {
  static readonly window = 10;
  readonly #samples: { seconds: number; fetched: number }[] = [];

  at(fetched: number, seconds: number = performance.now() / 1000): number {
    const last = this.#samples.at(-1);
    if (last === undefined || seconds - last.seconds >= 0.25) this.#samples.push({ seconds, fetched });
    while (this.#samples.length > 2 && seconds - this.#samples[1].seconds >= Speed.window) this.#samples.shift();
    const [first] = this.#samples;
    return seconds - first.seconds < 1 ? 0 : (fetched - first.fetched) / (seconds - first.seconds);
  }
}
