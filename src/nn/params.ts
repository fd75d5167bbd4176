import { StaveError } from '../errors.ts';
import { Value, type PackedMatrix } from '../graph/index.ts';
import type { Lora } from './lora.ts';

type Find = (name: string) => Value | PackedMatrix | undefined;
type FindLora = (module: string) => Lora | undefined;

/** The tensors of a model by name, seen from one module. Inference backs it by a checkpoint, training by graph inputs;
 * a layer can't tell. Names are the checkpoint's: `p.at('blocks').at(0).at('attn.qkv').matrix()`. */
export class Params {
  readonly path: string;
  readonly #find: Find;
  readonly #lora: FindLora;

  private constructor(find: Find, lora: FindLora, path: string) {
    this.#find = find;
    this.#lora = lora;
    this.path = path;
  }

  /** @param find a tensor by its full name, float32 for the float types, or a matrix in few bits; undefined when there is none. Called again for the same name, it returns the same value.
   * @param lora the low-rank adapter of a linear layer, by the layer's full name */
  static from(find: Find, lora: FindLora = () => undefined): Params {
    return new Params(find, lora, '');
  }

  at(name: string | number): Params {
    return new Params(this.#find, this.#lora, this.#join(name));
  }

  has(name: string): boolean {
    return this.#find(this.#join(name)) !== undefined;
  }

  /** @throws WEIGHT_MISSING; MODEL_CONFIG for a matrix in few bits: only linear layers and embeddings take those */
  get(name: string): Value {
    const value = this.#any(name);
    if (value instanceof Value) return value;
    throw new StaveError('MODEL_CONFIG', { what: `"${this.#join(name)}" is stored in ${value.bits} bits`, why: 'a layer needs it as floating-point numbers', fix: 'convert the checkpoint again' });
  }

  weight(): Value {
    return this.get('weight');
  }

  /** The weight of a linear layer or an embedding, [out, in]. @throws WEIGHT_MISSING */
  matrix(): Value | PackedMatrix {
    return this.#any('weight');
  }

  bias(): Value | undefined {
    return this.has('bias') ? this.get('bias') : undefined;
  }

  /** The low-rank adapter of this linear layer. */
  lora(): Lora | undefined {
    return this.#lora(this.path);
  }

  #any(name: string): Value | PackedMatrix {
    const value = this.#find(this.#join(name));
    if (value === undefined) throw new StaveError('WEIGHT_MISSING', { what: `no tensor "${this.#join(name)}"`, why: 'a layer of the model asks for it', fix: 'check that config.json and the weights belong to the same checkpoint' });
    return value;
  }

  #join(name: string | number): string {
    return this.path === '' ? String(name) : `${this.path}.${name}`;
  }
}
