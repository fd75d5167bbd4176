/** Conversions between float32 and the 16-bit floats. All exact towards float32; towards 16 bits they round to the
 * nearest, ties to even, as IEEE 754 and PyTorch do. Bits in, bits out: NaN payloads survive widening. */

let halfTable: Uint32Array | undefined;

/** float32 bits of every float16: 256 KB, made on first use; a look-up is faster than the arithmetic. */
function halfBits(): Uint32Array {
  if (halfTable) return halfTable;
  const table = new Uint32Array(65536);
  for (let h = 0; h < 65536; h++) {
    const sign = (h & 0x8000) << 16;
    const exponent = (h >> 10) & 31;
    let mantissa = h & 0x3ff;
    if (exponent === 31) table[h] = sign | 0x7f800000 | (mantissa << 13); // inf, nan
    else if (exponent !== 0) table[h] = sign | ((exponent + 112) << 23) | (mantissa << 13); // 112 = 127 - 15
    else if (mantissa === 0) table[h] = sign;
    else {
      // Subnormal: every one is a normal float32; shift until the leading one takes the hidden place.
      let e = 113;
      for (; (mantissa & 0x400) === 0; e--) mantissa <<= 1;
      table[h] = sign | (e << 23) | ((mantissa & 0x3ff) << 13);
    }
  }
  return (halfTable = table);
}

/** bfloat16 bits → float32. `out` as long as `bits`. */
export function bf16ToF32(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const o = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) o[i] = bits[i] << 16;
  return out;
}

/** float16 bits → float32. `out` as long as `bits`. */
export function f16ToF32(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const table = halfBits();
  const o = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) o[i] = table[bits[i]];
  return out;
}

/** float32 → bfloat16 bits. */
export function f32ToBf16(x: Float32Array, out: Uint16Array = new Uint16Array(x.length)): Uint16Array {
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i];
    out[i] = (b & 0x7fffffff) > 0x7f800000
      ? (b >>> 16) | 0x40 // a NaN whose payload sat in the low bits must not turn into infinity
      : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** float32 → float16 bits; above 65504 + half a step becomes infinity. */
export function f32ToF16(x: Float32Array, out: Uint16Array = new Uint16Array(x.length)): Uint16Array {
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
  for (let i = 0; i < bits.length; i++) out[i] = half(bits[i]);
  return out;
}

function half(b: number): number {
  const sign = (b >>> 16) & 0x8000;
  const magnitude = b & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff); // nan
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65536 or more
  if (magnitude >= 0x38800000) {
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1); // a carry out of the mantissa is the right exponent
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal, 2^-25
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >>> 23); // 14 … 24: what is left counts units of 2^-24
  const low = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  const kept = mantissa >>> shift;
  return sign | (kept + (low > tie || (low === tie && (kept & 1) === 1) ? 1 : 0));
}
