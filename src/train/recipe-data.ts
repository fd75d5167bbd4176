/** What a recipe trains on: its field `data`. */
import { resolve } from 'node:path';
import { frameSamplingOf, type FrameSampling } from '../generate/frame-sampling.ts';
import type { TemporalScope } from '../generate/index.ts';
import type { Fields } from '../models/fields.ts';
import type { LearntAnswers } from '../tasks/labels.ts';
import { AREA, evenFrames, parseLesson, type Lesson } from './lesson.ts';

/** Clips drawn on the way. */
export type Motion10Data = {
  task: 'motion10';
  frames: number;
  /** Frames are resized to multiples of 28 with an area in between, as the processor does when the model is used. */
  min_pixels: number;
  max_pixels: number;
  questions: number;
  /** What comes first, one after the other, before everything is shown and asked: where several questions compete from the start, each hides the others' faint first signal. */
  lessons: Lesson[];
  /** Every other clip is the one before it played backwards: pairs that only their order in time tells apart, for half the rendering. */
  pairs: boolean;
  seed: number;
};

/** Conversations from a file; null: as the checkpoint says, or none. */
export type ConversationData = {
  task: 'conversations';
  /** The data file. */
  path: string;
  /** Of held-out conversations. */
  eval: string | null;
  /** Folder that relative paths in the files start at; null: each file's own. */
  media: string | null;
  /** A quarantine list, whose rows are left out. */
  skip: string | null;
  learn: LearntAnswers;
  sampling: FrameSampling | null;
  /** Where the frames begin that the rule `stave` shows of a clip too long for it: drawn anew each time, or at the clip's start. */
  window: 'random' | 'start';
  min_pixels: number | null;
  max_pixels: number | null;
  /** Most tokens of a conversation: one with more is left out and told, never cut. */
  max_tokens: number | null;
  temporal_scope: TemporalScope;
  /** Positions of visual tokens: their place and time, as in use, or counted through as if they were text, as in the authors' training. */
  positions: 'mrope' | 'text';
  /** In a new order each time through the file; false: in the file's. */
  shuffle: boolean;
  /** Largest part of the rows that may turn out not to be usable, as a broken video does. */
  max_bad: number;
  /** Threads that decode and pack ahead. */
  workers: number;
  seed: number;
};

/** @param base directory that relative paths start from  @param seed of the recipe  @throws RECIPE */
export function parseData(data: Fields, base: string, seed: number): Motion10Data | ConversationData {
  return data.oneOf('task', ['motion10', 'conversations']) === 'motion10' ? parseMotion10(data, seed) : parseConversations(data, base, seed);
}

function parseMotion10(data: Fields, seed: number): Motion10Data {
  const parsed: Motion10Data = {
    task: 'motion10',
    frames: evenFrames(data, 'frames', 16),
    min_pixels: data.integer('min_pixels', 84 * 112, AREA),
    max_pixels: data.integer('max_pixels', 84 * 168, AREA),
    lessons: data.objects('lessons').map(parseLesson),
    pairs: data.boolean('pairs', false),
    questions: data.integer('questions', 4, { max: 32 }),
    seed: data.integer('seed', seed, SEED),
  };
  checkBounds(data, parsed);
  return parsed;
}

function parseConversations(data: Fields, base: string, seed: number): ConversationData {
  const path = (name: string): string | null => (data.has(name) ? resolve(base, data.string(name)) : null);
  const pixels = (name: string): number | null => (data.has(name) ? data.integer(name, undefined, AREA) : null);
  const parsed: ConversationData = {
    task: 'conversations',
    path: resolve(base, data.string('path')),
    eval: path('eval'),
    media: path('media'),
    skip: path('skip'),
    learn: data.oneOf('learn', ['every', 'last'], 'every'),
    sampling: data.has('sampling') ? parseSampling(data.object('sampling')) : null,
    window: data.oneOf('window', ['random', 'start'], 'random'),
    min_pixels: pixels('min_pixels'),
    max_pixels: pixels('max_pixels'),
    max_tokens: data.has('max_tokens') ? data.integer('max_tokens') : null,
    temporal_scope: data.oneOf('temporal_scope', ['item', 'all'], 'item'),
    positions: data.oneOf('positions', ['mrope', 'text'], 'mrope'),
    shuffle: data.boolean('shuffle', true),
    max_bad: data.number('max_bad', 0.01, { min: 0, max: 1 }),
    workers: data.integer('workers', 1, { max: 64 }),
    seed: data.integer('seed', seed, SEED),
  };
  checkBounds(data, parsed);
  return parsed;
}

function parseSampling(fields: Fields): FrameSampling {
  const sampling = frameSamplingOf(fields);
  fields.done();
  return sampling;
}

function checkBounds(data: Fields, { min_pixels, max_pixels }: { min_pixels: number | null; max_pixels: number | null }): void {
  if (min_pixels !== null && max_pixels !== null && min_pixels > max_pixels) data.objectTo('min_pixels', `it is above data.max_pixels, ${max_pixels}`, 'swap them');
}

export const SEED = { min: 0, max: 0xffffffff };
