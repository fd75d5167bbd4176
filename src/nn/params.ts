import { StaveError } from '../errors.ts';
import type { Value } from '../graph/index.ts';

/** The tensors of a model by name, seen from one module. Inference backs it by a checkpoint, training by graph inputs;
 * a layer can't tell. Names are the checkpoint's: `p.at('blocks').at(0).at('attn.qkv').weight()`. */
export class Params {
  readonly path: string;
  readonly #find: (name: string) => Value | undefined;

  private constructor(find: (name: string) => Value | undefined, path: string) {
    this.#find = find;
    this.path = path;
  }

  /** @param find a tensor by its full name, float32 for the float types; undefined when there is none. Called again for the same name, it returns the same value. */
  static from(find: (name: string) => Value | undefined): Params {
    return new Params(find, '');
  }

  at(name: string | number): Params {
    return new Params(this.#find, this.#join(name));
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

  #join(name: string | number): string {
    return this.path === '' ? String(name) : `${this.path}.${name}`;
  }
}
