import { planVideo, type Plan } from '../generate/index.ts';
import { askedFile, askOptions, frameOptions, modelDir, modelOption } from './ask-options.ts';
import { string, type Command } from './command.ts';
import { fewer } from './footer.ts';
import { weightsOption } from './load-model.ts';
import { bytes } from './units.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'Say what a video or a picture would cost, without decoding it',
  args: [{ name: 'VIDEO', help: 'a video file, or a picture' }],
  options: {
    ...modelOption,
    ...weightsOption,
    question: { type: 'string', short: 'q', value: 'TEXT', help: 'count the tokens of this question too' },
    json: { type: 'boolean', help: 'as JSON' },
    ...frameOptions,
    'max-tokens': { type: 'string', value: 'N', help: 'length of an answer at most (default 256)' },
  },
  examples: ['stave plan clip.mp4', 'stave plan clip.mp4 --model DIR --rule qwen --fps 2 --json'],
  async run([video], values, { stdout, signal }) {
    const options = askOptions(values, signal);
    const result = await planVideo(modelDir(values), await askedFile(video, options), string(values, 'question') ?? '', { ...options, weights: string(values, 'weights') });
    stdout.write(values.json ? `${JSON.stringify({ video, ...result })}\n` : table(result));
  },
};

/** What there is nothing of in a picture. */
const ofVideos = ['duration', 'frames', 'rule'];

function table({ media: [clip], prompt_tokens, visual_tokens, memory, weights, sampling }: Plan): string {
  const { kind, info, sizes, grid, frames } = clip;
  const { rule, ...settings } = sampling.value;
  const rows: [string, string][] = [
    ...(info === null ? [] : ([
      ['duration', `${info.duration.toFixed(2)} s, ${info.frames ?? '?'} ${info.frames === 1 ? 'frame' : 'frames'}, ${info.fps.toFixed(2)} a second on average`],
      ['codec', `${info.codec} in ${info.format}`],
      ['size', `${info.width}×${info.height} as shown${info.rotation === 0 ? '' : `, stored turned by ${info.rotation}°`}`],
    ] as [string, string][])),
    ['frames', `${framesAt(frames)}${fewer([clip])}`],
    ['rule', `${rule}${Object.entries(settings).map(([key, value]) => ` ${key}=${String(value)}`).join('')} (from ${sampling.from})`],
    ['resized', `${sizes.input.width}×${sizes.input.height}`],
    ['grid', `${grid.join(' × ')} (frame groups × patches down × patches across)`],
    ['tokens', `${visual_tokens} visual, ${prompt_tokens} in the prompt`],
    ['memory', `about ${bytes(memory.total)}: weights ${bytes(memory.weights)}, vision ${bytes(memory.vision)}, language ${bytes(memory.language)}, the rest ${bytes(memory.base)}`],
    ['weights', `${count(weights.parameters)} numbers, ${bytes(weights.bytes)} as ${weights.dtypes.join(', ')} in the model's files; the engine holds ${bytes(memory.weights)}`],
  ];
  const told = kind === 'video' ? rows : rows.filter(([name]) => !ofVideos.includes(name));
  return told.map(([name, value]) => `${name.padEnd(10)}${value}\n`).join('');
}

/** How many frames, and their seconds; of many, the first and the last. */
export function framesAt(frames: Plan['frames']): string {
  const times = frames.map(({ time }) => (time ?? 0).toFixed(2));
  const shown = times.length > 16 ? [...times.slice(0, 8), '…', ...times.slice(-4)] : times;
  return `${frames.length} at ${shown.join(' ')} s`;
}

const count = (n: number): string => (n >= 1e9 ? `${(n / 1e9).toFixed(1)} billion` : `${(n / 1e6).toFixed(1)} million`);
