/** Something-Something V2. The authors' test files are not published and their draws have no seed: a file of records that lies there is used, else one is built from the
 * labels with the draws of a fixed seed, and the manifest says so. */
import { join } from 'node:path';
import { StaveError } from '../../errors.ts';
import { firstFile } from '../../files/look.ts';
import { random } from '../../clips/index.ts';
import { seededDraws } from '../../tasks/draws.ts';
import { readAnnotations, type Annotation } from '../../tasks/ssv2/annotations.ts';
import { readTestAnswers } from '../../tasks/ssv2/reference-174.ts';
import { actionRecord, type SampleRecord } from '../../tasks/ssv2/record.ts';
import { t10Split } from '../../tasks/ssv2/t10.ts';
import { buildVsm, vsmRecord } from '../../tasks/ssv2/vsm-build.ts';
import { asList, parseJson, readData, readTask, type DataFile } from '../data.ts';
import { findFile, placesOf, type DataSet } from '../places.ts';
import type { Source } from './source.ts';

const set: DataSet = { folder: 'ssv2', pieces: /^((?:.*\/)?20bn-something-something-v2)-\d\d$/ };
const SEED = 'ssv2';

type Records = { source: string; docs: unknown[]; files: DataFile[]; notes?: string[] };

/** @param own file of records below the folder, and what is built without it */
function source(own: string | undefined, files: string[], build: (root: string, places: readonly string[]) => Promise<Records>, questions?: number): Source {
  return {
    ...set,
    files: [...(own === undefined ? [] : [`${own}, a list of records; or, to build it from:`]), ...files, 'data_mp4/<id>.mp4, converted from the .webm of the data set; or that itself: 20bn-something-something-v2/<id>.webm, or its archive in pieces, 20bn-something-something-v2-??'],
    questions,
    async read(root, task) {
      const places = await placesOf(root, set);
      const there = own === undefined ? undefined : await firstOf(places, own);
      const { source: path, docs, files: from, notes } = there === undefined ? await build(root, places) : await recordsIn(root, there);
      return { task, source: path, ...readTask(task, path, docs), files: from, notes, locate: (video) => places.flatMap((place) => [join(place, 'data_mp4', video), join(place, '20bn-something-something-v2', video.replace(/\.mp4$/, '.webm'))]) };
    },
  };
}

export const t10Source = source('t10/test.json', ['labels/train.json'], async (root, places) => {
  const { annotations, path, file } = await annotationsIn(root, places);
  const { test } = split(annotations);
  return { source: path, docs: test, files: [file], notes: [`the test part of a split of labels/train.json, drawn with the seed "${SEED}": the authors' own draw is not published`] };
});

export const vsmSource = source('vsm/test.json', ['labels/train.json'], async (root, places) => {
  const { annotations, path, file } = await annotationsIn(root, places);
  const docs = buildVsm(annotations, split(annotations).train, seededDraws(random(SEED, 'vsm'))).map(vsmRecord);
  return { source: path, docs, files: [file], notes: [`built from labels/train.json without the videos of T10's training part, drawn with the seed "${SEED}": the authors' own draw is not published`] };
});

export const ssv2With174Source = source(undefined, ['labels/test.json', 'labels/test-answers.csv'], async (root, places) => {
  const ids = await readData(root, await findFile(root, set, places, ['labels/test.json']));
  const answersPath = await findFile(root, set, places, ['labels/test-answers.csv', 'test-answers.csv']);
  const answers = await readData(root, answersPath);
  const templates = readTestAnswers(answers.text());
  const path = join(root, ids.file.path);
  const docs = asList(parseJson(ids.text(), path), path).map((entry, i) => {
    const id = String((entry as { id?: unknown } | null)?.id);
    const template = templates.get(id);
    if (template === undefined) throw new StaveError('DATA', { what: `${path}, row ${i}: ${answersPath} has no answer for the id ${id}`, fix: 'get both files again' });
    return actionRecord({ id, template });
  });
  return { source: path, docs, files: [ids.file, answers.file] };
}, 27_157);

const split = (annotations: readonly Annotation[]): { train: SampleRecord[]; test: SampleRecord[] } => t10Split(annotations, seededDraws(random(SEED, 't10')));

async function annotationsIn(root: string, places: readonly string[]) {
  const path = await findFile(root, set, places, ['labels/train.json']);
  const { text, file } = await readData(root, path);
  return { annotations: readAnnotations(asList(parseJson(text(), path), path), path), path, file };
}

async function recordsIn(root: string, path: string): Promise<Records> {
  const { text, file } = await readData(root, path);
  return { source: path, docs: asList(parseJson(text(), path), path), files: [file] };
}

const firstOf = (places: readonly string[], name: string): Promise<string | undefined> => firstFile(places.map((place) => join(place, name)));
