/** Sections of ssv2.json about the 174 classes: look-up of labels, frames, pixels, top-1. */
import { answerOf, actionRecord, type SampleRecord } from '../../../src/tasks/ssv2/record.ts';
import { clipFrames, clipPixels, clipSize } from '../../../src/tasks/ssv2/clip-224.ts';
import { labels174 } from '../../../src/tasks/ssv2/labels-174.ts';
import { misplacedClasses, readTestAnswers, referenceLabelText, referenceTestClass } from '../../../src/tasks/ssv2/reference-174.ts';
import { labelText, testClass, top1, trainClass } from '../../../src/tasks/ssv2/ssv2-174.ts';
import { fixed } from '../../../src/tasks/python/numbers.ts';
import { attempt, cases, equal, type Sections } from './sections.ts';

type Case<T> = T & { expected: never };
type Pixels = { frames: number; height: number; width: number; expected: { samples_c_t_y_x_value: [number, number, number, number, number][] } };

const PIXEL_TOLERANCE = 2e-5; // values are recorded with five decimals

export const sections174: Sections = {
  labels_174: (labels: string[]) => equal(labels174, labels),
  classes_whose_test_samples_get_another_class: (classes: number[]) => equal(misplacedClasses(), classes),
  // the template is whole in the input: stave's own look-up must give the class that the training labels have
  s174_test_label: (rows: (Case<{ id: string; template: string; train_class: number }> & { expected: object })[]) =>
    cases(rows, ({ id, template }) => {
      const read = readTestAnswers(`${id};${template}\n`, { whole: false }).get(id)!;
      const text = referenceLabelText(actionRecord({ id, template: read }));
      return { template_read: read, label_text_of_the_code: text, class_of_the_code: attempt(() => referenceTestClass(text)), class_without_the_prefix: attempt(() => referenceTestClass(read)), class_of_the_whole: testClass(template) };
    }, { expected: ({ expected, train_class }) => ({ ...(expected as object), class_of_the_whole: train_class }) }),
  s174_train_label: (rows: Case<{ record: SampleRecord }>[]) => cases(rows, ({ record }) => ({ label_text: labelText(answerOf(record)), class: attempt(() => trainClass(record)) })),
  s174_csv: (rows: Case<{ csv: string }>[]) => cases(rows, ({ csv }) => Object.fromEntries(readTestAnswers(csv, { whole: false }))),
  s174_frames: (rows: Case<{ frames: number }>[]) => cases(rows, ({ frames }) => clipFrames(frames)),
  s174_pixels: (rows: Pixels[]) => cases(rows, checkPixels, { tolerance: PIXEL_TOLERANCE }),
  s174_top1: (rows: Case<{ logits: number[][]; truth: number[] }>[]) =>
    cases(rows, ({ logits, truth }) => {
      const accuracy = attempt(() => top1(logits, truth));
      return { accuracy, printed: typeof accuracy === 'number' ? [`Accuracy: ${fixed(accuracy * 100, 2)}%`] : [] };
    }),
};

function checkPixels({ frames, height, width, expected }: Pixels): unknown {
  const frame_indices = clipFrames(frames);
  const values = clipPixels(frame_indices.map((t) => ({ width, height, data: Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const c = i % 3, x = Math.floor(i / 3) % width, y = Math.floor(i / (3 * width));
    return Math.abs(((2 * x + y + 9 * t + 37 * c) % 510) - 255);
  }) })));
  const T = frame_indices.length, channel = values.length / 3;
  const moments = [0, 1, 2].map((c) => {
    const own = values.subarray(c * channel, (c + 1) * channel);
    const mean = own.reduce((sum, value) => sum + value, 0) / channel;
    return { mean, std: Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channel) };
  });
  const size = clipSize(height, width);
  return {
    frame_indices, shape: [1, 3, T, 224, 224], resized: [size.height, size.width],
    mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std),
    samples_c_t_y_x_value: expected.samples_c_t_y_x_value.map(([c, t, y, x]) => [c, t, y, x, values[((c * T + t) * 224 + y) * 224 + x]]),
  };
}
