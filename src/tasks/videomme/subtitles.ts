/** Subtitles of a video: SubRip file → cues → the lines that the prompt shows. Source: lmms_eval/tasks/videomme/utils.py */
import { StaveError } from '../../errors.ts';
import { linspace64 } from '../../video/rounding.ts';
import { parseInteger } from '../python/numbers.ts';
import { setOrder } from '../python/set-order.ts';
import { strip, universalNewlines } from '../python/text.ts';
import type { ClipFacts, Protocol } from '../task.ts';

/** start and end in seconds. */
export type Cue = { start: number; end: number; text: string };

/** The cues of a SubRip file in its order; the same times again replace the text. Sections of fewer than three lines are ignored.
 * @param file for messages  @throws DATA naming the section for a second line that isn't `h:m:s,ms --> h:m:s,ms` */
export function parseSubtitles(text: string, file = 'the subtitle file'): Cue[] {
  const cues = new Map<string, Cue>();
  for (const [i, section] of universalNewlines(text).split('\n\n').entries()) {
    const [, range, ...lines] = section.split('\n');
    if (strip(section) === '' || lines.length === 0) continue;
    const [from, to] = range.split(' --> ');
    const start = seconds(from), end = seconds(to);
    if (start === undefined || end === undefined) {
      const why = 'a cue is a number, a line like 00:00:01,000 --> 00:00:04,000, and its text';
      throw new StaveError('DATA', { what: `${file}, section ${i + 1}: ${JSON.stringify(range)} is no time range`, why, fix: 'mend the section, or leave the file out' });
    }
    cues.set(`${start} ${end}`, { start, end, text: lines.join(' ') });
  }
  return [...cues.values()];
}

/** `h:m:s,ms`; spaces around numbers are allowed, `,5` is five milliseconds. */
function seconds(time: string | undefined): number | undefined {
  const [h, m, rest, ...more] = time?.split(':') ?? [];
  const [s, ms, ...others] = rest?.split(',') ?? [];
  const [hours, minutes, whole, thousandths] = [h, m, s, ms].map((number) => (number === undefined ? undefined : parseInteger(number)));
  if (more.length > 0 || others.length > 0 || hours === undefined || minutes === undefined || whole === undefined || thousandths === undefined) return undefined;
  return hours * 3600 + minutes * 60 + whole + thousandths / 1000;
}

/** The frames, [from, to), of each cue. @param fps the rate that the container states; 0: none */
export function frameRanges(cues: readonly Cue[], fps: number): [number, number][] {
  return cues.map(({ start, end }) => [Math.trunc(start * fps), Math.trunc(end * fps)]);
}

/** Which frames' subtitles are shown: `samples` of the clip's frames, evenly spread by floor. −1: as many as the clip has. */
export function sampledFrames(frames: number, samples: number): number[] {
  return Array.from(linspace64(frames - 1, samples === -1 ? frames : samples), Math.floor);
}

/** Places of the chosen cues: those a sampled frame falls into. `paper`: in the order of a set of integers of CPython, which is not by time from some nineteen cues on. `strict`: by time. */
export function chosenCues(cues: readonly Cue[], { fps, frames }: ClipFacts, samples: number, protocol: Protocol = 'paper'): number[] {
  const ranges = frameRanges(cues, fps);
  const chosen = sampledFrames(frames, samples).flatMap((frame) => ranges.flatMap(([from, to], i) => (frame >= from && frame < to ? [i] : [])));
  if (protocol === 'paper') return setOrder(chosen);
  return [...new Set(chosen)].toSorted((a, b) => cues[a].start - cues[b].start || a - b);
}

const styled = /<font color="white" size="[^\n]72c">([^\n]*?)<\/font>/u; // the way the data set's files are written; the reference means a dot and takes any character

/** The lines of the prompt. `paper`: of each chosen cue what stands in its first font tag; cues without one are skipped. `strict`: the cue's text without tags. */
export function subtitleLines(subtitles: string, facts: ClipFacts, samples: number, protocol: Protocol = 'paper', file?: string): string[] {
  const cues = parseSubtitles(subtitles, file);
  return chosenCues(cues, facts, samples, protocol).flatMap((i) => {
    const { text } = cues[i];
    if (protocol === 'strict') return [strip(text.replaceAll(/<[^>]*>/g, ''))].filter((line) => line !== '');
    const inside = styled.exec(text);
    return inside ? [inside[1]] : [];
  });
}
