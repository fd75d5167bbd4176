import { initializer, type PackedMatrix, type Value } from '../graph/index.ts';
import { Params } from '../nn/index.ts';
import type { TensorInfo, Weights } from '../weights/index.ts';
import type { Adapter } from './adapter.ts';
import { floats } from './checkpoint.ts';
import { loraA, loraB } from './lora.ts';

/** The tensors of a checkpoint, and of an adapter on it, as initializers that refer to their place in the file; computed in float32 but for products with matrices in few bits.
 * @param names from the model's name to the checkpoint's  @param packed a matrix in few bits, if that is what the checkpoint has for a weight */
export function checkpointParams(weights: Weights, names: (name: string) => string, adapter?: Pick<Adapter, 'layers' | 'whole'>, packed: (name: string) => PackedMatrix | undefined = () => undefined): Params {
  const values = new Map<string, Value | PackedMatrix | undefined>();
  const find = (name: string): Value | PackedMatrix | undefined => {
    const stored = names(name);
    const info = adapter?.whole.get(name) ?? (weights.has(stored) ? weights.info(stored) : undefined);
    return info === undefined ? packed(name) : storedValue(name, info);
  };
  const loras = new Map([...(adapter?.layers ?? [])].map(([module, { A, B, scale }]) => [module, { A: storedValue(loraA(module), A), B: storedValue(loraB(module), B), scale }]));
  return Params.from(
    (name) => {
      if (!values.has(name)) values.set(name, find(name));
      return values.get(name);
    },
    (module) => loras.get(module),
  );
}

/** A tensor in its file, as float32. */
export function storedValue(name: string, { dtype, shape, file, offset, byteLength }: TensorInfo): Value {
  return initializer(name, floats[dtype], shape, { file, offset, byteLength }).cast('float32');
}
