/** Tensors in memory: dtypes, the typed array of each, and the conversion of numbers to them. */
import { StaveError } from '../errors.ts';

export type DType = 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

export type TypedArray = Float32Array | Uint16Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** A tensor's values in row-major order. float16 and bfloat16 are held as their bits, bool as 0 and 1. */
export type Tensor = { dtype: DType; dims: number[]; data: TypedArray };

/** Where a weight's bytes are: in a file (never read by the graph), or in memory (maybe over a SharedArrayBuffer). Little-endian. */
export type TensorSource = { file: string /* absolute */; offset: number; byteLength: number } | { data: TypedArray };

/** The typed array of each dtype. */
export const arrays = {
  float32: Float32Array, float16: Uint16Array, bfloat16: Uint16Array, int64: BigInt64Array,
  int32: Int32Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
} as const;

/** The numbers of onnx.TensorProto.DataType. */
export const onnxTypes: Record<DType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 };

export const bytesPerElement = (dtype: DType): number => arrays[dtype].BYTES_PER_ELEMENT;

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';

/** Numbers as an array of the dtype. */
export function toTyped(values: readonly number[], dtype: DType): TypedArray {
  switch (dtype) {
    case 'int64': return BigInt64Array.from(values, BigInt);
    case 'float16': return Uint16Array.from(values, toHalf);
    case 'bfloat16': return Uint16Array.from(values, toBrain);
    default: return arrays[dtype].from(values as number[]);
  }
}

/** The dtype whose array this is; a Uint16Array could be either half type and has to be named. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  throw new StaveError('GRAPH', { what: 'a Uint16Array may hold float16 or bfloat16', fix: 'name the dtype' });
}

const scratch = new DataView(new ArrayBuffer(4));

function floatBits(x: number): number {
  scratch.setFloat32(0, x);
  return scratch.getUint32(0);
}

/** bfloat16 bits: the upper half of the float32, rounded to nearest even. */
function toBrain(x: number): number {
  const bits = floatBits(x);
  if (Number.isNaN(x)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** float16 bits, rounded to nearest even; too large becomes infinity. */
function toHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 1e-30)));
  const ulp = 2 ** (exponent - 10);
  const steps = roundHalfEven(size / ulp); // 1024 … 2048 for a normal number, fewer for a subnormal one
  return sign | (exponent === -14 && steps < 1024 ? steps : ((exponent + 15) << 10) + (steps - 1024));
}

function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}
