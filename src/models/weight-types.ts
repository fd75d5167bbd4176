/** As what the weights of a model are stored: the words of --weights, of config.json and of results. */
import { StaveError } from '../errors.ts';
import type { Fields, JsonObject } from './fields.ts';

/** What weights can be converted to. int8 and int4: codes with a scale and a zero point for each block of a row; w8a8: of 8 bits with a scale for each row, for the fastest products. */
export const weightTypes = ['f32', 'f16', 'int8', 'w8a8', 'int4'] as const;
export type WeightType = (typeof weightTypes)[number];

/** The parts of a model that have a type of their own. */
export const parts = ['vision', 'language', 'embeddings', 'head'] as const;
export type Part = (typeof parts)[number];
export type WeightTypes = Record<Part, WeightType>;

/** What a part can be converted to: tables are looked up row by row, which w8a8 has no kernel for. */
const typesOf = (part: Part): readonly WeightType[] => (part === 'vision' || part === 'language' ? weightTypes : weightTypes.filter((type) => type !== 'w8a8'));

/** What a caller may ask for: `auto`, one type, or types of parts: `vision:int8,language:int4`. */
export type WeightsChoice = 'auto' | WeightTypes;

/** Bits of a code; undefined: floating-point numbers. */
export const bitsOf = (type: string): 4 | 8 | undefined => (type === 'int8' || type === 'w8a8' ? 8 : type === 'int4' ? 4 : undefined);

export const isPacked = (types: Record<Part, string>): boolean => parts.some((part) => bitsOf(types[part]) !== undefined);

/** The part that a tensor is of. @param name the model's for it */
export function partOf(name: string): Part {
  if (name.startsWith('visual.')) return 'vision';
  if (name.startsWith('model.embed_tokens.')) return 'embeddings';
  return name.startsWith('lm_head.') ? 'head' : 'language';
}

/** One type for all but what loses most and costs least: with int4 the vision encoder, the embeddings and the head have 8 bits, with w8a8 the embeddings and the head int8. */
function preset(type: WeightType): WeightTypes {
  const table = type === 'int4' || type === 'w8a8' ? 'int8' : type;
  return { vision: type === 'int4' ? 'int8' : type, language: type, embeddings: table, head: table };
}

/** Reads what --weights says. Of a list, embeddings and head not named go with the language model as they do when its type is given alone; a vision encoder or language model not named stays f32.
 * @throws USAGE */
export function parseWeights(text: string): WeightsChoice {
  if (text === 'auto') return 'auto';
  if (isType(text)) return preset(text);
  const named: Partial<WeightTypes> = {};
  for (const item of text.split(',')) {
    const [part, type, ...rest] = item.split(':').map((word) => word.trim());
    if (!isPart(part) || !isType(type) || !typesOf(part).includes(type) || rest.length > 0 || named[part] !== undefined)
      throw new StaveError('USAGE', {
        what: `"${text}" names no type of weights`,
        why: text.includes(':') ? (isPart(part) && named[part] !== undefined ? `"${part}" stands twice` : `"${item.trim()}" is not a part (${parts.join(', ')}), a colon and a type (${(isPart(part) ? typesOf(part) : weightTypes).join(', ')})`) : undefined,
        fix: `give auto, one of ${weightTypes.join(', ')}, or types of parts like vision:int8,language:int4`,
      });
    named[part] = type;
  }
  const language = named.language ?? 'f32';
  return { ...preset(language), vision: 'f32', ...named };
}

const isType = (word: string | undefined): word is WeightType => (weightTypes as readonly unknown[]).includes(word);
const isPart = (word: string | undefined): word is Part => (parts as readonly unknown[]).includes(word);

/** Types as a model can have them: a tied head is the embedding table. */
export const tied = (types: WeightTypes, tie_word_embeddings: boolean): WeightTypes => (tie_word_embeddings ? { ...types, embeddings: types.head } : types);

/** As people read it: `int8`, or each part with its type. */
export function typesText(types: Record<Part, string>): string {
  const first = types[parts[0]];
  return parts.every((part) => types[part] === first) ? first : parts.map((part) => `${part}:${types[part]}`).join(',');
}

/** `quantization_config` of config.json as stave writes it. transformers refuses a method that it doesn't know, and so does not take codes for weights. */
export type Quantization = { types: WeightTypes; /** Fingerprint of the checkpoint that it was made from, and how that was called. */ source: string; name: string };

export const quantizationJson = ({ types, source, name }: Quantization): JsonObject => ({ quant_method: 'stave', ...types, source, source_name: name });

/** @throws MODEL_CONFIG for weights that another method has quantised */
export function parseQuantization(root: Fields): Quantization | undefined {
  if (!root.has('quantization_config')) return undefined;
  const f = root.object('quantization_config');
  const method = f.json.quant_method ?? 'quantization_config';
  if (method !== 'stave')
    throw new StaveError('MODEL_CONFIG', { what: `${root.file}: the weights are quantised (${String(method)})`, why: 'stave reads F32, F16 and BF16, and what it has converted itself', fix: 'use the checkpoint that it was made from' });
  const types = Object.fromEntries(parts.map((part) => [part, f.oneOf(part, typesOf(part))])) as WeightTypes;
  return { types, source: f.string('source', ''), name: f.string('source_name', '') };
}
