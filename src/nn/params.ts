import { StaveError } from '../errors.ts';
import type { Value } from '../graph/index.ts';
import type { Lora } from './lora.ts';

type Find = (name: string) => Value | undefined;
type FindLora = (module: string) => Lora | undefined;

/** The tensors of a model by name, seen from one module. Inference backs it by a checkpoint, training by graph inputs;
 * a layer can't tell. Names are the checkpoint's: `p.at('blocks').at(0).at('attn.qkv').weight()`. */
export class Params {
  readonly path: string;
  readonly #find: Find;
  readonly #lora: FindLora;

  private constructor(find: Find, lora: FindLora, path: string) {
    this.#find = find;
    this.#lora = lora;
    this.path = path;
  }

  /** @param find a tensor by its full name, float32 for the float types; undefined when there is none. Called again for the same name, it returns the same value.
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

  /** @throws WEIGHT_MISSING */
  get(name: string): Value {
    const value = this.#find(this.#join(name));
    if (value === undefined) throw new StaveError('WEIGHT_MISSING', { what: `no tensor "${this.#join(name)}"`, why: 'a layer of the model asks for it', fix: 'check that config.json and the weights belong to the same checkpoint' });
    return value;
  }

  weight(): Value {
    return this.get('weight');
  }

  bias(): Value | undefined {
    return this.#find(this.#join('bias'));
  }

  /** The low-rank adapter of this linear layer. */
  lora(): Lora | undefined {
    return this.#lora(this.path);
  }

  #join(name: string | number): string {
    return this.path === '' ? String(name) : `${this.path}.${name}`;
  }
}
