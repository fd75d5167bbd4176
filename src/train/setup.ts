/** What a run and its plan both begin with. */
import type { Runtime } from '../runtime/index.ts';
import type { Sizes } from './batch.ts';
import type { TrainState } from './checkpoint.ts';
import { DataSource } from './data.ts';
import { trainEngine, type TrainEngine } from './engine.ts';
import { matmulFlops } from './flops.ts';
import type { TrainModel } from './model.ts';
import type { Recipe } from './recipe.ts';
import type { RunData } from './run-data.ts';
import { trainGraphs, type Layout, type TrainGraphs } from './step.ts';

/** The graphs for batches of a layout, made when they are first asked for. */
export type GraphsBy = (layout: Layout) => TrainGraphs;

export function graphsBy(recipe: Recipe, model: TrainModel, { normalize }: RunData): GraphsBy {
  const known = new Map<string, TrainGraphs>();
  return (layout) => {
    const key = JSON.stringify(layout);
    if (!known.has(key)) known.set(key, trainGraphs(model.tensors, model.config, recipe.optimizer, normalize, model.lora, layout, recipe.recompute === 'block'));
    return known.get(key)!;
  };
}

/** Of a batch of these sizes. */
export const layoutOf = ({ layout }: RunData, sizes: Sizes): Layout => (layout === 'clips' ? layout : { runs: sizes.runs });

/** Whether an update is one graph, or gradients are summed first. */
export const isOneGraph = ({ layout, micro }: RunData): boolean => layout === 'clips' && micro === 1;

/** Operations that a micro-batch takes in an update. */
export function flopsOf(source: RunData, graphs: GraphsBy, sizes: Sizes): number {
  const { step, accumulate } = graphs(layoutOf(source, sizes));
  return matmulFlops(isOneGraph(source) ? step : accumulate, sizes);
}

/** Its workers start now. */
export const startData = ({ settings, workers }: RunData): DataSource => new DataSource(settings, { workers });

/** The state is given away. */
export function startEngine(runtime: Runtime, recipe: Recipe, source: RunData, graphs: GraphsBy, state: TrainState, signal?: AbortSignal): Promise<TrainEngine> {
  return trainEngine(runtime, graphs(source.layout), state, recipe.optimizer, source.layout === 'clips' ? source.micro : (runs) => graphs({ runs }), signal);
}

/** The model before the first update, all moments zero. */
export function freshState({ trained }: TrainModel): TrainState {
  const zeros = () => new Map([...trained].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  return { step: 0, weights: trained, m: zeros(), v: zeros() };
}

/** Number of weights. */
export function countWeights(tensors: ReadonlyMap<string, { shape: readonly number[] }>): number {
  return [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
