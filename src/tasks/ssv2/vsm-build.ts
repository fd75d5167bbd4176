/** Building SSv2-VSM: to each video of the ten classes, two examples. Source: the authors' vsm/select_subset.py */
import { StaveError } from '../../errors.ts';
import { shuffled, type Draws } from '../draws.ts';
import type { TaskPart } from '../task.ts';
import { videoFile, type Annotation } from './annotations.ts';
import { t10Classes } from './classes.ts';
import { record, videosOf, type SampleRecord } from './record.ts';

/** A video with its two examples; in a positive sample one of them shows the video's action. */
export type VsmSample = { id: string; template: string; context_examples: Pick<Annotation, 'id' | 'template'>[]; is_positive: boolean };

export const noRelatedAction = 'No related action';
export const relatedExample = (n: number): string => `The related example is Example ${n}`;

/** The conversation of a sample. @throws DATA for a positive sample none of whose examples shows its action */
export function vsmRecord({ id, template, context_examples, is_positive }: VsmSample): SampleRecord {
  const examples = context_examples.flatMap((example, i): TaskPart[] => [{ type: 'text', text: `Example ${i + 1} -` }, { type: 'video', video: videoFile(example) }]);
  const related = context_examples.findIndex((example) => example.template === template);
  if (is_positive && related < 0) throw new StaveError('DATA', { what: `the VSM sample ${id} is positive, but no example shows "${template}"`, fix: 'give it an example of its class' });
  return record(
    [
      { type: 'text', text: 'Look at the provided examples and identify which example is related to the final video.' },
      ...examples,
      { type: 'text', text: 'Now consider the previous examples. Is there any action related to this video?' },
      { type: 'video', video: videoFile({ id }) },
      { type: 'text', text: `If not, respond with '${noRelatedAction}'. If there is, respond with the example number.` },
    ],
    is_positive ? relatedExample(related + 1) : noRelatedAction,
  );
}

/** The samples of a test file. Per class, in the classes' order: its first `positive` share (at least one) become positive, with one other video of the class
 * and one of another class as examples; the others negative, with two videos of other templates, drawn from all of train.json. At the end all are shuffled.
 * @param training records whose videos may not be asked about  @param positive share of positive samples, 0–1
 * @throws DATA for a class with a single video, or without any when one of it is drawn */
export function buildVsm(annotations: readonly Annotation[], training: readonly SampleRecord[], draws: Draws, { positive = 0.8 }: { positive?: number } = {}): VsmSample[] {
  const seen = new Set(training.flatMap(videosOf).map((video) => video.split('/').at(-1)!.replace(/\.[^.]*$/, '')));
  const ofClass = new Map<string, Annotation[]>(t10Classes.map((name) => [name, annotations.filter(({ id, template }) => template === name && !seen.has(id))]));
  const drawn = (from: readonly Annotation[], what: string): Annotation => {
    if (from.length > 0) return from[draws.choice(from.length)];
    throw new StaveError('DATA', { what: `SSv2-VSM needs ${what}, and there is none`, why: 'examples are drawn from the videos that the training file leaves', fix: 'give a label file with at least two videos of each class' });
  };
  const samples = t10Classes.flatMap((name) => {
    const own = ofClass.get(name)!;
    const positives = Math.max(1, Math.trunc(own.length * positive));
    return own.map(({ id, template }, i): VsmSample => {
      if (i >= positives) {
        const others = annotations.filter((other) => other.template !== template);
        if (others.length < 2) throw new StaveError('DATA', { what: `SSv2-VSM needs two videos that don't show "${template}", and there are ${others.length}`, fix: 'give a label file with other classes' });
        return { id, template, context_examples: draws.sample(others.length, 2).map((k) => others[k]), is_positive: false };
      }
      const related = drawn(own.filter((other) => other.id !== id), `a second video of "${name}"`);
      const rest = t10Classes.filter((other) => other !== name);
      const unrelated = rest[draws.choice(rest.length)];
      const examples = [related, drawn(ofClass.get(unrelated)!, `a video of "${unrelated}"`)];
      return { id, template, context_examples: shuffled(examples, draws), is_positive: true };
    });
  });
  return shuffled(samples, draws);
}
