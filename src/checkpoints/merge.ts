/** An adapter taken up into the weights: a plain checkpoint that needs no adapter. */
import { graph, input, matmul, type Tensor } from '../graph/index.ts';
import { openAdapter, type Adapter } from '../models/adapter.ts';
import { openQwen2VL, parameterShapes, type Qwen2VL } from '../models/qwen2vl/index.ts';
import { Runtime } from '../runtime/index.ts';
import type { SaveTensor } from '../weights/index.ts';
import { checkNew, storedTensor, withType, writeModel, type FloatType, type OnTensor } from './write-model.ts';

export type MergeOptions = {
  /** Type of the floating-point weights; absent: as the base has each. The sum is computed in float32 either way. */
  dtype?: FloatType;
  signal?: AbortSignal;
  onTensor?: OnTensor;
};

/** Writes W + α/r · B A for each layer with an adapter, the adapter's own tensors for what was trained whole, and the base's for all others, as peft merge_and_unload.
 * @throws USAGE when `out` exists; ADAPTER saying what does not fit, before anything is written; as opening a model does; IO */
export async function mergeAdapter(base: string, adapter: string, out: string, { dtype, signal, onTensor }: MergeOptions = {}): Promise<void> {
  await checkNew(out, base);
  const model = await openQwen2VL(base);
  await using _ = model.weights;
  const opened = await openAdapter(adapter, { dir: base, shapes: parameterShapes(model.config) });
  await using __ = opened.weights;
  await using runtime = await Runtime.create();
  const merge = await merger(runtime);
  const tensors = mergedTensors(model, opened, merge, dtype);
  const config = dtype === undefined ? undefined : withType(model.config.raw, dtype);
  await writeModel(out, { base, config, tensors }, { signal, onTensor });
}

/** w + scale · b a. w: [out, in], a: [r, in], b: [out, r] */
export type Merge = (w: Float32Array, layer: { in: number; out: number; r: number; scale: number }, a: Float32Array, b: Float32Array) => Promise<Float32Array>;

/** One small graph for all layers. */
export async function merger(runtime: Runtime): Promise<Merge> {
  const [w, a, b] = [input('w', 'float32', ['O', 'I']), input('a', 'float32', ['R', 'I']), input('b', 'float32', ['O', 'R'])];
  const program = await runtime.compile(graph({ merged: w.add(matmul(b.mul(input('scale', 'float32', [])), a)) })); // [O, I]
  return async (W, { in: I, out: O, r, scale }, A, B) => {
    const { merged } = await program.run({ w: tensor([O, I], W), a: tensor([r, I], A), b: tensor([O, r], B), scale: tensor([], Float32Array.of(scale)) });
    return merged.data as Float32Array;
  };
}

const tensor = (dims: number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data });

/** The base's tensors, merged as their turn comes. Tensors of the base that the model does not use stay as they are. */
export function mergedTensors({ weights, storedName, config }: Pick<Qwen2VL, 'weights' | 'storedName' | 'config'>, adapter: Adapter, merge: Merge, dtype?: FloatType): SaveTensor[] {
  const names = new Map([...parameterShapes(config).keys()].map((name) => [storedName(name), name]));
  return [...weights.tensors.keys()].map((stored): SaveTensor => {
    const name = names.get(stored);
    const own = storedTensor(weights, stored, name === undefined ? undefined : dtype);
    const whole = name === undefined ? undefined : adapter.whole.get(name);
    if (whole) return { ...own, data: () => adapter.weights.readF32(whole.name) };
    const layer = name === undefined || !name.endsWith('.weight') ? undefined : adapter.layers.get(name.slice(0, -'.weight'.length));
    if (layer) return { ...own, data: async () => merge(await weights.readF32(stored), layer, await adapter.weights.readF32(layer.A.name), await adapter.weights.readF32(layer.B.name)) };
    return own;
  });
}
