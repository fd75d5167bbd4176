import { readRows } from '../rows.ts';

/** An entry of Something-Something V2's labels/train.json and validation.json. template: the class with its brackets. */
export type Annotation = { id: string; label: string; template: string; placeholders: string[] };

/** Reads a label file. @throws DATA naming entry and field, also for an id that comes twice */
export function readAnnotations(entries: readonly unknown[], file = 'labels/train.json'): Annotation[] {
  return readRows(file, entries, (row) => ({ id: row.file('id'), label: row.text('label'), template: row.text('template'), placeholders: row.texts('placeholders', { min: 0 }) }), ['id', ({ id }) => id]);
}

/** The file of an annotation's video, converted to mp4. */
export const videoFile = ({ id }: { id: string }): string => `${id}.mp4`;
