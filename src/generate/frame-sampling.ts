import { StaveError } from '../errors.ts';
import { Fields } from '../models/fields.ts';
import { sampleAll, sampleCount, sampleLmms, sampleQwen, sampleStave, sampleTimes, type Sampled, type Timeline } from '../video/index.ts';

/** Which frames of a video the model sees; the rules are in src/video/sampling.ts. `stave`: the authors' training loader; `qwen`: qwen-vl-utils;
 * `lmms`: the benchmark harness; `count`: so many, spread evenly,
 * and with `repeat` some of them twice where the clip has fewer; `times`: those nearest to the given seconds; `all`: every frame. */
export type FrameSampling =
  | { rule: 'stave'; fps?: number; min_frames?: number; max_frames?: number }
  | { rule: 'qwen'; fps?: number; min_frames?: number; max_frames?: number }
  | { rule: 'lmms'; max_frames?: number }
  | { rule: 'count'; frames: number; repeat?: boolean }
  | { rule: 'times'; times: readonly number[] }
  | { rule: 'all' };

export const defaultSampling: FrameSampling = { rule: 'stave', fps: 1, min_frames: 4, max_frames: 32 };

const rules = ['stave', 'qwen', 'lmms', 'count', 'times', 'all'] as const;

/** Chooses frames. @param window for the rule `stave` in training: draws where the frames of a long clip begin, see StaveSampling  @throws VIDEO_TOO_SHORT, USAGE */
export function sampleFrames(clip: Timeline, sampling: FrameSampling, window?: (choices: number) => number): Sampled {
  checkNumbers(sampling);
  switch (sampling.rule) {
    case 'stave':
      return sampleStave(clip, { ...limits(sampling), window });
    case 'qwen':
      return sampleQwen(clip, limits(sampling));
    case 'lmms':
      return sampleLmms(clip, { maxFrames: sampling.max_frames });
    case 'count':
      return sampleCount(clip, sampling.frames, { repeat: sampling.repeat });
    case 'times':
      return sampleTimes(clip, sampling.times);
    case 'all':
      return sampleAll(clip);
    default:
      throw new StaveError('USAGE', { what: `there is no sampling rule "${(sampling as { rule: string }).rule}"`, fix: `use one of ${rules.join(', ')}` });
  }
}

/** Far more than any clip has: what is over it is a mistake, and would only fill the memory. */
const most = { fps: 1000, min_frames: 1e6, max_frames: 1e6, frames: 1e6 };

function checkNumbers(sampling: FrameSampling & { [Name in keyof typeof most]?: number }): void {
  for (const [name, high] of Object.entries(most)) {
    const value = sampling[name as keyof typeof most];
    const whole = name !== 'fps';
    if (value === undefined || (typeof value === 'number' && value > 0 && value <= high && (Number.isInteger(value) || !whole))) continue;
    throw new StaveError('USAGE', { what: `sampling.${name} is ${JSON.stringify(value)}`, fix: `give a ${whole ? 'whole ' : ''}number over 0, at most ${high}` });
  }
}

const limits = ({ fps, min_frames, max_frames }: { fps?: number; min_frames?: number; max_frames?: number }) => ({ fps, minFrames: min_frames, maxFrames: max_frames });

/** A rule as JSON: `stave.sampling` in a model's config.json. @throws MODEL_CONFIG */
export function parseFrameSampling(json: unknown, file: string, path: string): FrameSampling {
  return frameSamplingOf(new Fields(json, file, { path }));
}

/** A rule field by field; others than its own are left for the caller to refuse. @throws as the fields do */
export function frameSamplingOf(f: Fields): FrameSampling {
  const rule = f.oneOf('rule', rules);
  const optional = (name: string) => (f.has(name) ? { [name]: name === 'fps' ? f.positive(name) : f.integer(name) } : {});
  switch (rule) {
    case 'stave':
    case 'qwen':
      return { rule, ...optional('fps'), ...optional('min_frames'), ...optional('max_frames') };
    case 'lmms':
      return { rule, ...optional('max_frames') };
    case 'count':
      return { rule, frames: f.integer('frames'), ...(f.has('repeat') ? { repeat: f.boolean('repeat') } : {}) };
    case 'times':
      return { rule, times: f.numbers('times', undefined) };
    case 'all':
      return { rule };
  }
}
