/** The element types of a safetensors file that stave reads: bytes of one element and the array that holds them raw.
 * In the order of the safetensors library, which decides the order of tensors when saving.
 * JavaScript has no bfloat16 and no 8-bit float (and Node 20 no float16): those are read as their bits. */
export const dtypes = {
  BOOL: { bytes: 1, array: Uint8Array },
  U8: { bytes: 1, array: Uint8Array },
  I8: { bytes: 1, array: Int8Array },
  F8_E5M2: { bytes: 1, array: Uint8Array },
  F8_E4M3: { bytes: 1, array: Uint8Array },
  I16: { bytes: 2, array: Int16Array },
  U16: { bytes: 2, array: Uint16Array },
  F16: { bytes: 2, array: Uint16Array },
  BF16: { bytes: 2, array: Uint16Array },
  I32: { bytes: 4, array: Int32Array },
  U32: { bytes: 4, array: Uint32Array },
  F32: { bytes: 4, array: Float32Array },
  F64: { bytes: 8, array: Float64Array },
  I64: { bytes: 8, array: BigInt64Array },
  U64: { bytes: 8, array: BigUint64Array },
} as const;

export type SafeDType = keyof typeof dtypes;

export type TypedArray =
  | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array
  | Float32Array | Float64Array | BigInt64Array | BigUint64Array;

export function isDType(name: unknown): name is SafeDType {
  return typeof name === 'string' && Object.hasOwn(dtypes, name);
}

/** Where a tensor's bytes lie. */
export type TensorInfo = {
  name: string;
  dtype: SafeDType;
  shape: number[];
  /** Absolute path with every symbolic link resolved (a Hugging Face cache is made of links). */
  file: string;
  /** Bytes from the start of the file. Any alignment. */
  offset: number;
  byteLength: number;
};

/** Bytes of a tensor's elements. */
export const bytesOf = ({ dtype, shape }: Pick<TensorInfo, 'dtype'> & { shape: readonly number[] }): number => shape.reduce((a, b) => a * b, dtypes[dtype].bytes);
