/** How much memory a run takes, from the shapes of its graphs. */
import type { Sizes } from './batch.ts';
import { peakBytes } from './liveness.ts';
import type { TrainModel } from './model.ts';
import type { RunData } from './run-data.ts';
import { countWeights, isOneGraph, layoutOf, type GraphsBy } from './setup.ts';
import type { ModelTensor } from './step.ts';

/** Bytes at the fullest moment. */
export type TrainMemory = {
  /** Weights that are not trained. In a file as float32 they are mapped: given back when others need the memory. */
  frozen: number;
  /** What is trained, with its moments: before and after an update, and as a checkpoint is saved. */
  state: number;
  /** What an update computes on its way. */
  update: number;
  evaluation: number;
  /** Node, the engine and its plan of the graph, the worker that makes batches. */
  base: number;
  total: number;
};

/** A batch that was made to be looked at, and let go. */
export type Look = { index: number; sizes: Sizes; /** Of its arrays. */ bytes: number };

const FLOAT = 4;
/** Measured (docs/decisions/training-memory.md): a process that trains a model of no size; and what a node of the graph adds. */
const BASE = 275e6, NODE = 8e3;
/** The engine's memory over what lives in it: pieces too small for what comes next. Measured, ibid. */
const SPARE = 1.3;
/** Batches that exist at once: the one computed with, those made ahead, and what drawing or decoding leaves behind until it is collected. */
const BATCHES = 6;

export type Setting = { graphs: GraphsBy; model: TrainModel; source: RunData; /** Of the run; the largest decides. */ looks: readonly Look[]; /** Of an evaluation. */ held?: Look };

export function estimateMemory({ graphs, model, source, looks, held }: Setting): TrainMemory {
  const trained = FLOAT * countWeights(model.trained);
  const one = isOneGraph(source);
  const of = ({ sizes }: Look) => graphs(layoutOf(source, sizes));
  const largest = (bytes: (look: Look) => number) => Math.max(...looks.map(bytes));
  const layouts = [...new Set([graphs(source.layout), ...looks.map(of)])];
  const frozen = [...model.tensors.values()].reduce((sum, tensor) => sum + frozenBytes(tensor, 2 * layouts.length), 0); // a session for updates, one for evaluations
  const state = trained * (9 + (one ? 0 : 2)); // weights and two moments, as many that came out of an update, and a copy to save; the gradients' sum
  const computed = one ? largest((look) => peakBytes(of(look).step, look.sizes)) : largest((look) => peakBytes(of(look).accumulate, look.sizes)) + peakBytes(graphs(source.layout).apply, {});
  const update = SPARE * computed + BATCHES * largest(({ bytes }) => bytes);
  const evaluation = held === undefined ? 0 : SPARE * peakBytes(of(held).evaluate, held.sizes);
  const base = BASE + NODE * layouts.reduce((sum, { step, accumulate }) => sum + (one ? step : accumulate).nodes.length, 0);
  return { frozen, state, update, evaluation, base, total: frozen + state + update + evaluation + base };
}

/** Each session maps float32 weights that lie in a file, widens those of a smaller type, and copies those that are in memory. */
function frozenBytes({ shape, source, dtype = 'float32' }: ModelTensor, sessions: number): number {
  if (source === null) return 0;
  const bytes = FLOAT * shape.reduce((a, b) => a * b, 1);
  return 'file' in source ? sessions * bytes : sessions * bytes + (dtype === 'float32' ? bytes : source.data.byteLength);
}
